"""Operators and the host's PAM: real accounts, real passwords, a real hostd."""

import secrets
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from hostd.pam import AT_ONCE, FAILURE_SECONDS
from shared.errors import Code, Fault
from shared.hostwire import Authenticate
from shared.messages import Done, Failure
from shared.secret import Secret
from tests.root.hostd_harness import OBEDIENT, Hostd

pytestmark = pytest.mark.root

RIGHT = "Sentinel-" + secrets.token_hex(12)


class Accounts:
    """Accounts that the test made, all with the password RIGHT, and a group of operators."""

    def __init__(self) -> None:
        self.mark = f"hp{secrets.token_hex(4)}"
        self.group = f"{self.mark}g"
        self.names: list[str] = []

    def add(self, name: str, *options: str) -> str:
        user = f"{self.mark}{name}"
        subprocess.run(["useradd", "-M", "-N", "-s", "/usr/sbin/nologin", *options, "--", user], check=True)
        self.names.append(user)
        subprocess.run(["chpasswd"], input=f"{user}:{RIGHT}\n".encode(), check=True)
        return user

    def __enter__(self) -> Self:
        subprocess.run(["groupadd", "--", self.group], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        for user in self.names:
            subprocess.run(["userdel", "--", user], check=False)
        subprocess.run(["groupdel", "--", self.group], check=False)


@pytest.fixture(scope="module")
def accounts() -> Iterator[Accounts]:
    """Operators by their second and by their first group, and others."""
    with Accounts() as made:
        made.add("member", "-G", made.group)
        made.add("primary", "-g", made.group)
        made.add("outsider")
        subprocess.run(["usermod", "-L", "--", made.add("locked", "-G", made.group)], check=True)
        made.add("expired", "-G", made.group, "-e", "1")
        subprocess.run(["chage", "-d", "0", "--", made.add("stale", "-G", made.group)], check=True)
        yield made


@pytest.fixture(scope="module")
def hostd(accounts: Accounts) -> Iterator[Hostd]:
    """Hostd that lets the group's members in."""
    with Hostd(OBEDIENT, **{"auth.pam": {"group": accounts.group}}) as running:
        yield running


def ask(hostd: Hostd, user: str, password: str, *, uid: int = 0) -> tuple[Code | None, float]:
    """What hostd answers, None for yes, and after how many seconds."""
    begun = time.monotonic()
    with hostd.client(uid=uid) as client:
        try:
            client.call(Authenticate(user=user, password=Secret(password)), Done)
            code = None
        except Fault as fault:
            code = fault.code
    return code, time.monotonic() - begun


def ask_all(hostd: Hostd, asked: list[tuple[str, str]]) -> list[tuple[Code | None, float]]:
    """The answers to all at once."""
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda one: ask(hostd, *one), asked))


def test_an_operator_is_let_in_by_the_password_of_the_account(hostd: Hostd, accounts: Accounts) -> None:
    assert None is ask(hostd, f"{accounts.mark}member", RIGHT)[0]
    assert None is ask(hostd, f"{accounts.mark}primary", RIGHT)[0]
    assert None is ask(hostd, f"{accounts.mark}member", RIGHT, uid=hostd.account().pw_uid)[0]


def test_nobody_else_is_and_the_time_does_not_tell_why(hostd: Hostd, accounts: Accounts) -> None:
    """A wrong password, an account that is locked or expired or has to change its password, no member, root."""
    asked = [(f"{accounts.mark}member", "wrong")]
    asked += [(f"{accounts.mark}{name}", RIGHT) for name in ("outsider", "locked", "expired", "stale", "absent")]
    asked += [("root", RIGHT), (f"{accounts.mark}member", RIGHT[:-1])]
    for first in range(0, len(asked), AT_ONCE):
        for code, seconds in ask_all(hostd, asked[first : first + AT_ONCE]):
            assert Code.UNAUTHORIZED is code
            assert FAILURE_SECONDS <= seconds < FAILURE_SECONDS + 10


def test_fifty_at_once_are_bounded_and_hostd_goes_on(hostd: Hostd, accounts: Accounts) -> None:
    answers = ask_all(hostd, [(f"{accounts.mark}member", "wrong")] * 50)
    codes = [code for code, _ in answers]
    assert {Code.UNAUTHORIZED, Code.BUSY} == set(codes)
    assert codes.count(Code.UNAUTHORIZED) <= AT_ONCE
    assert all(seconds < FAILURE_SECONDS for code, seconds in answers if code is Code.BUSY)
    assert None is ask(hostd, f"{accounts.mark}member", RIGHT)[0]
    children = Path(f"/proc/{hostd.pid}/task/{hostd.pid}/children").read_text().split()
    assert [] == children


def test_the_password_is_nowhere(hostd: Hostd, accounts: Accounts) -> None:
    """In no log, and in no argument or environment of any process while it is checked."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, hostd, f"{accounts.mark}member", RIGHT + "x")
        seen = 0
        while not answer.done():
            for pid in Path(f"/proc/{hostd.pid}/task/{hostd.pid}/children").read_text().split():
                for name in ("cmdline", "environ"):
                    try:
                        assert RIGHT.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
                        seen += 1
                    except OSError:
                        continue
            time.sleep(0.01)
    assert seen
    assert RIGHT not in hostd.log.read_text()
    kept = [path for path in (hostd.state / "hostd").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if RIGHT.encode() in path.read_bytes()]


@pytest.mark.parametrize("user", ["", "../x", "-x", "x\n", "x y", "x" * 33, "X", "x\0"])
def test_a_name_that_is_none_is_malformed(hostd: Hostd, user: str) -> None:
    with hostd.client() as client:
        client.send(Authenticate(id=1, user=user, password=Secret("x")))
        answer = client.receive()
    assert isinstance(answer, Failure)
    assert Code.BAD_REQUEST is answer.code


def test_what_takes_too_long_is_given_up(accounts: Accounts) -> None:
    """PAM waits three seconds after a wrong password."""
    with Hostd(OBEDIENT, **{"auth.pam": {"group": accounts.group, "timeout": 0.5}}) as running:
        code, seconds = ask(running, f"{accounts.mark}member", "wrong")
        assert Code.TIMEOUT is code
        assert seconds < 2
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        end = time.monotonic() + 10
        while children.read_text().split():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_without_the_section_nobody_is_asked() -> None:
    with Hostd() as running:
        code, seconds = ask(running, "root", "x")
        assert Code.FORBIDDEN is code
        assert seconds < 1
