"""Who may not sign in whatever PAM says, and how many may try. What PAM says is asked in tests/root/test_pam.py."""

import asyncio
import os
import pwd

import pytest

from hostd import pam
from hostd.pam import AT_ONCE, Pam
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.settings import Pam as Settings


async def refusal(checker: Pam, user: str, password: str) -> Code:
    with pytest.raises(Fault) as caught:
        await checker.authenticate(user, Secret(password))
    return caught.value.code


async def test_without_configuration_nobody_may() -> None:
    assert Code.FORBIDDEN is await refusal(Pam(None), "root", "x")


async def test_who_is_no_operator_is_refused_without_asking_pam_and_after_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An account that is not there, one of no group, root, a group that is not there, a password that cannot be one."""
    monkeypatch.setattr(pam, "FAILURE_SECONDS", 0.2)
    loop = asyncio.get_running_loop()
    me = pwd.getpwuid(os.getuid()).pw_name
    for group, user, password in (
        ("root", "hostel-nobody-of-that-name", "x"),
        ("root", "daemon", "x"),
        ("root", "root", "x"),
        ("hostel-no-group-of-that-name", me, "x"),
        ("daemon", "daemon", ""),
        ("daemon", "daemon", "x" * 513),
        ("daemon", "daemon", "a\0b"),
        ("daemon", "daemon", "\ud800"),
    ):
        begun = loop.time()
        checker = Pam(Settings(group=group, service="hostel-no-service-of-that-name"))
        assert Code.UNAUTHORIZED is await refusal(checker, user, password)
        assert 0.2 <= loop.time() - begun < 5


async def test_root_is_refused_even_if_pam_would_accept_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows root's password here, so that PAM's word is given for it."""
    monkeypatch.setattr(pam, "FAILURE_SECONDS", 0.0)
    monkeypatch.setattr("pam.PamAuthenticator.authenticate", lambda *_: True)
    await Pam(Settings(group="daemon")).authenticate("daemon", Secret("x"))
    assert Code.UNAUTHORIZED is await refusal(Pam(Settings(group="root")), "root", "x")


async def test_only_so_many_are_checked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pam, "FAILURE_SECONDS", 0.0)
    checker = Pam(Settings(group="root"))
    codes = await asyncio.gather(*(refusal(checker, "daemon", "x") for _ in range(50)))
    assert (AT_ONCE, 50 - AT_ONCE) == (codes.count(Code.UNAUTHORIZED), codes.count(Code.BUSY))
    assert Code.UNAUTHORIZED is await refusal(checker, "daemon", "x")
