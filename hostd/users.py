"""Linux accounts of workspaces: read from /etc/passwd and /etc/group themselves, changed by the shadow tools."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hostd.processes import run
from shared.errors import Code, Fault

_PASSWD: Final = Path("/etc/passwd")
_GROUP: Final = Path("/etc/group")
_NAME_IN_USE: Final = 9
_NO_SUCH_USER: Final = 6
_USER_BUSY: Final = 8
"""Exit codes of useradd(8), groupadd(8) and userdel(8)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A line of /etc/passwd, as far as it matters here. The group has the name and the number of the user."""

    name: str
    uid: int
    gid: int
    home: str


def find(name: str) -> Account | None:
    """The account of that name in /etc/passwd; no other source of accounts is asked."""
    for fields in _lines(_PASSWD):
        if fields[0] == name and len(fields) == 7:  # noqa: PLR2004  # passwd(5)
            return Account(name, int(fields[2]), int(fields[3]), fields[5])
    return None


def taken_ids() -> set[int]:
    """Every uid and gid that /etc/passwd and /etc/group name."""
    ids = set()
    for fields in (*_lines(_PASSWD), *_lines(_GROUP)):
        ids |= {int(field) for field in fields[2:4] if field.isdigit()}
    return ids


def _lines(path: Path) -> list[list[str]]:
    return [line.split(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if ":" in line]


def _group(name: str) -> int | None:
    return next((int(fields[2]) for fields in _lines(_GROUP) if fields[0] == name), None)


class Users:
    """Makes and removes accounts, one at a time, as the shadow tools hold a lock on the files and would only wait."""

    def __init__(self, *, shell: str, deadline: float) -> None:
        """Accounts get `shell`; each tool has `deadline` seconds."""
        self._shell = shell
        self._deadline = deadline
        self._changing = asyncio.Lock()

    async def add(self, account: Account) -> None:
        """Make the account and its group, or finish what was begun. CONFLICT when another account has the name or the uid."""
        async with self._changing:
            if find(account.name) is None:
                await self._useradd(account)
            elif _group(account.name) is None:
                # useradd was killed between the two files.
                await self._tool("/usr/sbin/groupadd", "-g", str(account.gid), "--", account.name)
        if find(account.name) != account or _group(account.name) != account.gid:
            raise Fault(Code.CONFLICT, "an account of that name exists already")

    async def _useradd(self, account: Account) -> None:
        uid = str(account.uid)
        group = ("-U", "-K", f"GID_MIN={uid}", "-K", f"GID_MAX={uid}") if _group(account.name) is None else ("-N", "-g", uid)
        numbers = ("-u", uid, "-K", f"UID_MAX={uid}", "-K", "SUB_UID_COUNT=0", "-K", "SUB_GID_COUNT=0")
        place = ("-l", "-M", "-d", account.home, "-s", self._shell)
        await self._tool("/usr/sbin/useradd", *place, *numbers, *group, "--", account.name, accept=(_NAME_IN_USE,))

    async def expire(self, account: Account, *, expired: bool) -> None:
        """Have the host's other ways in, cron among them, refuse the account; or accept it again."""
        async with self._changing:
            if find(account.name) == account:
                await self._tool("/usr/sbin/usermod", "-e", "1970-01-02" if expired else "", "--", account.name)

    async def remove(self, account: Account) -> bool:
        """Remove the account and its group; False when processes of that uid are still there.

        CONFLICT when the account of that name is not this one.
        """
        async with self._changing:
            found = find(account.name)
            if found is not None:
                if found != account:
                    raise Fault(Code.CONFLICT, "the account of that name is not the workspace's")
                code = await self._tool("/usr/sbin/userdel", "--", account.name, accept=(_NO_SUCH_USER, _USER_BUSY))
                if code == _USER_BUSY:
                    return False
            if _group(account.name) == account.gid:
                await self._tool("/usr/sbin/groupdel", "--", account.name)
        return True

    async def _tool(self, *argv: str, accept: tuple[int, ...] = ()) -> int:
        outcome = await run(argv, deadline=self._deadline)
        if outcome.code not in (0, *accept):
            raise Fault(Code.FAILED, outcome.errors or f"{argv[0]} ended with {outcome.code}")
        return outcome.code
