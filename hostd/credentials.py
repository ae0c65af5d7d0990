"""Provider credentials: sealed in the home; in plain text in `run` alone, which is memory, from a room's start to its stop.

run/credentials      root    0711
run/credentials/w…   root:w… 0750   providers.json: root:w… 0640, what the tenant's agents need
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from hostd import folders
from hostd.homes import Homes, disk_faults
from hostd.registry import Registry, Row
from hostd.sealing import Master
from shared import providers
from shared.errors import Code, Fault
from shared.hostwire import ProviderAuth, ProviderChange
from shared.log import logger
from shared.providers import Provider
from shared.sealed import PREFIX
from shared.secret import Secret


class Credentials:
    """Of all workspaces. Callers see to it that nothing is done twice at once for one."""

    def __init__(self, run: Path, homes: Homes, registry: Registry, master: Master) -> None:
        """Publish below `run`."""
        self._path = run / "credentials"
        self._homes, self._registry, self._master = homes, registry, master
        folders.make(self._path, gid=0, mode=0o711)
        self._folder = os.open(self._path, folders.DIRECTORY)

    def path(self, workspace: str) -> str:
        """Where the tenant finds its credentials."""
        return str(self._path / workspace / providers.FILE)

    def read(self, row: Row) -> dict[str, Provider]:
        """The providers, their credentials sealed. Raises Fault FAILED."""
        try:
            return providers.load(self._homes.read(row.id, providers.FILE))
        except ValueError as error:
            raise Fault(Code.FAILED, "the workspace's providers.json is damaged") from error

    def first(self, row: Row, changes: Mapping[str, ProviderChange | None]) -> bytes:
        """What a new workspace's file shall hold."""
        self._registry.set_master(row.id, self._master.key_id)
        return providers.dump(self._sealed(row, providers.merge({}, changes)))

    def change(self, row: Row, changes: Mapping[str, ProviderChange | None]) -> dict[str, Provider]:
        """Merge `changes`, keep and publish what comes of it; FAILED, and nothing changes, when a credential does not open."""
        merged = providers.merge(self.read(row), changes)
        told = self._told(row, merged)
        self._keep(row, merged)
        self._write(row, told)
        return merged

    def publish(self, row: Row) -> None:
        """Have the tenant, and nobody else, read its credentials. Raises Fault FAILED when one does not open."""
        self._write(row, self._told(row, self.read(row)))

    def withdraw(self, workspace: str) -> None:
        """Remove what was published."""
        folders.remove(workspace, self._folder)

    async def rotate(self) -> int:
        """Seal all under a new master key, and forget the old one; in how many workspaces. FAILED when one is left."""
        self._master.begin()
        sealed, left = await self.reseal()
        if left:
            raise Fault(Code.FAILED, f"the old key stays: {len(left)} workspaces are not sealed anew, such as {left[0]}")
        self._master.finish()
        return sealed

    async def reseal(self) -> tuple[int, list[str]]:
        """Seal under the newest master key what is not, or is plain text; how many workspaces, and those that could not be.

        What no key opens stays as it is: it is lost already.
        """
        rows, left = self._registry.sealed_otherwise(self._master.key_id), []
        for row in rows:
            try:
                self._keep(row, {name: self._opened(row, name, one) or one for name, one in self.read(row).items()})
                self._homes.unpublish(row.id, providers.FILE)
            except Fault as fault:
                left.append(row.id)
                logger().error("credentials_not_sealed", workspace=row.id, error=fault.message)
            await asyncio.sleep(0)  # others are served meanwhile
        return len(rows) - len(left), left

    def _keep(self, row: Row, known: Mapping[str, Provider]) -> None:
        self._homes.write(row.id, providers.FILE, providers.dump(self._sealed(row, known)))
        self._registry.set_master(row.id, self._master.key_id)

    def _sealed(self, row: Row, known: Mapping[str, Provider]) -> dict[str, Provider]:
        return {
            name: one if _is_sealed(one) else _with(one, self._master.seal(f"{row.id} {name}", value))
            for name, one in known.items()
            for value in (one.auth.value.reveal() if one.auth else "",)
        }

    def _opened(self, row: Row, name: str, one: Provider) -> Provider | None:
        """With its credential in plain text; None when that does not open."""
        if one.auth is None or not _is_sealed(one):
            return one
        plain = self._master.open(f"{row.id} {name}", one.auth.value.reveal())
        return None if plain is None else _with(one, plain)

    def _told(self, row: Row, known: Mapping[str, Provider]) -> bytes:
        opened = {name: self._opened(row, name, one) for name, one in known.items()}
        if lost := ", ".join(sorted(name for name, one in opened.items() if one is None)):
            raise Fault(Code.FAILED, f"this host's master key does not open the credentials of {lost}: set or remove them")
        return providers.credentials({name: one for name, one in opened.items() if one})

    def _write(self, row: Row, data: bytes) -> None:
        with disk_faults(), folders.made(row.id, self._folder, uid=0, gid=row.uid, mode=0o750) as folder:
            folders.write(folder, {providers.FILE: data}, reader=row.uid)


def _is_sealed(one: Provider) -> bool:
    return one.auth is None or one.auth.value.reveal().startswith(PREFIX)


def _with(one: Provider, value: str) -> Provider:
    return Provider(one.enabled, ProviderAuth(one.auth.type, Secret(value)) if one.auth else None)
