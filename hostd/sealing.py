"""The host's master keys, under which credentials are sealed at rest."""

import os
from pathlib import Path
from typing import Final

from hostd import folders
from shared import aesgcm, sealed
from shared.errors import Code, Fault

FILE: Final = "master.key"


class Master:
    """The master keys: the first seals, all open. There is a second one only while credentials are sealed anew."""

    def __init__(self, folder: int) -> None:
        """Read the keys, in systemd's credentials or in the folder whose descriptor is given; make one if there is none."""
        self._folder = folder
        given = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"), FILE)
        self._given = given.exists()
        try:
            text = given.read_bytes() if self._given else folders.read(FILE, folder)
            self._keys = [bytes.fromhex(line.decode()) for line in text.split()]
        except FileNotFoundError:
            self._keep([sealed.new_key()])
        except ValueError:
            self._keys = []
        if {aesgcm.KEY} != {len(key) for key in self._keys}:
            raise Fault(Code.FAILED, f"{FILE} is damaged: it must hold lines of {aesgcm.KEY * 2} hexadecimal digits")

    @property
    def key_id(self) -> str:
        """Of the key that seals."""
        return sealed.key_id(self._keys[0]).hex()

    def begin(self) -> None:
        """Seal with a new key, unless one that is new is not in use everywhere yet, or the keys are the service manager's."""
        if not self._given and len(self._keys) == 1:
            self._keep([sealed.new_key(), *self._keys])

    def finish(self) -> None:
        """Forget all keys but the first: nothing is sealed under them any more."""
        if not self._given:
            self._keep(self._keys[:1])

    def _keep(self, keys: list[bytes]) -> None:
        folders.write(self._folder, {FILE: b"".join(key.hex().encode() + b"\n" for key in keys)})
        self._keys = keys

    def seal(self, owner: str, plain: str) -> str:
        """`plain` for `owner`, as text."""
        return sealed.seal(self._keys[0], owner, plain)

    def open(self, owner: str, text: str) -> str | None:
        """What was sealed for `owner`; None when no key opens it."""
        return sealed.unseal(self._keys, owner, text)
