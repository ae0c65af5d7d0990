"""The Linux user on this host, made by hostd: what every workspace has, and is ready with."""

import hashlib
from typing import Final

import msgspec

from api.hosts import Hosts
from api.provisioners.base import Keep, Made
from shared.errors import Code, Fault
from shared.hostwire import ProviderChanges, SecretHash
from shared.secret import Secret, decode_hook, encode_hook

ORDER: Final = "order"
"""The secret in which `make` finds what is to be made."""
NEVER_MADE: Final = frozenset({Code.NOT_FOUND, Code.GONE})
"""What hostd says of a workspace that it does not have, or not any more."""


class Order(msgspec.Struct, frozen=True):
    """What hostd is told of a new workspace beside its id."""

    secret_hash: SecretHash
    providers: ProviderChanges

    def known(self) -> Made:
        """What `make` needs to know."""
        return Made(secrets={ORDER: Secret(msgspec.json.encode(self, enc_hook=encode_hook).decode())})


def hash_of(secret: Secret) -> str:
    """The hash by which hostd knows a workspace's secret."""
    return hashlib.sha256(secret.reveal().encode()).hexdigest()


class LinuxUser:
    """A user, a group and a home."""

    name: str = "linux"
    revealed: tuple[str, ...] = ()

    def __init__(self, hosts: Hosts) -> None:
        """By hostd."""
        self._hosts = hosts

    async def make(self, workspace: str, known: Made, keep: Keep) -> Made:  # noqa: ARG002  # it is made in one step
        """The user and its home, or what an earlier call did not finish."""
        order = msgspec.json.decode(known.secrets[ORDER].reveal(), type=Order, dec_hook=decode_hook)
        await self._hosts.create_workspace(workspace, order.secret_hash, order.providers)
        return Made({"user": workspace})

    async def remove(self, workspace: str, known: Made) -> None:  # noqa: ARG002  # hostd knows
        """All of it, once hostd finds that it was locked for long enough; CONFLICT before."""
        try:
            await self._hosts.purge_workspace(workspace)
        except Fault as fault:
            if fault.code not in NEVER_MADE:
                raise
