"""Credentials for one clone: in memory, and gone with it.

They are never in an argument, a variable's value, a remote's URL, a log or on disk.
"""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from guest.git.addresses import Address
from shared.errors import Code, Fault
from shared.rooms import GitAuth, GitAuthType

_SECRET_MAX: Final = 32_768
"""Bytes of a token or a key."""
_HELPER: Final = Path(__file__).with_name("askpass.py")
_HELPER_FD: Final = "HOSTEL_ASKPASS_FD"
"""The variable that tells the helper its descriptor."""
_SSH: Final = ("ssh", "-o", "BatchMode=yes")


class Access(Struct, frozen=True):
    """How a git command signs in."""

    environment: Mapping[str, str] = field(default_factory=lambda: _ssh("-o", "StrictHostKeyChecking=accept-new"))
    options: Sequence[str] = ()
    """For git itself, before the subcommand."""
    fds: Sequence[int] = ()
    """Descriptors that it inherits."""
    secrets: Sequence[str] = ()
    """What must not be in its messages."""


def check(auth: GitAuth, address: Address) -> None:
    """Whether `auth` is of use for `address`. Raises Fault BAD_REQUEST."""
    value = auth.value.reveal()
    if auth.type is GitAuthType.TOKEN:
        if address.protocol != "https":
            raise Fault(Code.BAD_REQUEST, "auth: a token is for https addresses only")
        # Git reads one line; what follows it would be lost, or be another attribute of a credential.
        if not value or not value.isprintable():
            raise Fault(Code.BAD_REQUEST, "auth: the token is empty or has control characters")
    elif address.protocol != "ssh":
        raise Fault(Code.BAD_REQUEST, "auth: an SSH key is for ssh addresses only")
    elif "PRIVATE KEY-----" not in value:
        raise Fault(Code.BAD_REQUEST, "auth: this is not a private key")
    if len(value.encode()) > _SECRET_MAX:
        raise Fault(Code.BAD_REQUEST, f"auth: more than {_SECRET_MAX} bytes")


@contextmanager
def access(auth: GitAuth | None, address: Address, temporary: Path) -> Iterator[Access]:
    """Give the access that `auth` stands for, until the block ends; `temporary` is a folder for a program, not for secrets."""
    with ExitStack() as stack:
        if auth is None:
            yield Access()
        elif auth.type is GitAuthType.TOKEN:
            yield _token(auth, address, temporary, stack)
        else:
            yield _ssh_key(auth, stack)


def _token(auth: GitAuth, address: Address, temporary: Path, stack: ExitStack) -> Access:
    note = {"server": address.server, "username": auth.username or "x-access-token", "secret": auth.value.reveal()}
    fd = _memory(msgspec.json.encode(note), stack)
    # Git wants one executable without arguments.
    folder = temporary / f"hostel-git-{os.urandom(8).hex()}"
    folder.mkdir(mode=0o700)
    helper = folder / "askpass"
    stack.callback(_discard, helper)
    helper.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", "-S", str(_HELPER)])} "$@"\n', encoding="utf-8")
    helper.chmod(0o700)
    return Access(
        environment={"GIT_ASKPASS": str(helper), _HELPER_FD: str(fd)},
        # An empty helper empties the list: a configured one would be asked first, and told to store the token.
        options=("-c", "credential.helper="),
        fds=(fd,),
        secrets=(auth.value.reveal(),),
    )


def _discard(helper: Path) -> None:
    with suppress(OSError):
        helper.unlink()
        helper.parent.rmdir()


def _ssh_key(auth: GitAuth, stack: ExitStack) -> Access:
    # ssh closes what it inherits, but may open what is ours, being the same user; it insists that nobody else may.
    key = _path(_memory(auth.value.reveal().replace("\r\n", "\n").rstrip("\n").encode() + b"\n", stack))
    options = ["-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    if auth.known_hosts is None:
        return Access(environment=_ssh(*options, "-o", "StrictHostKeyChecking=accept-new"))
    known = _path(_memory(auth.known_hosts.rstrip("\n").encode() + b"\n", stack))
    files = ["-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=none"]
    return Access(environment=_ssh(*options, *files, "-o", "StrictHostKeyChecking=yes"))


def _ssh(*options: str) -> dict[str, str]:
    return {"GIT_SSH_COMMAND": shlex.join([*_SSH, *options]), "GIT_SSH_VARIANT": "ssh"}


def _memory(content: bytes, stack: ExitStack) -> int:
    """A descriptor of a file that is in memory only, open until the block ends."""
    fd = os.memfd_create("hostel-credential")
    stack.callback(os.close, fd)
    os.fchmod(fd, 0o600)
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    return fd


def _path(fd: int) -> str:
    return f"/proc/{os.getpid()}/fd/{fd}"
