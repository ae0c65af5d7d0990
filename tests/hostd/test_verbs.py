"""The table of verbs is closed on both sides."""

import inspect
from types import SimpleNamespace
from typing import Any, cast, get_type_hints

import pytest

from hostd.verbs import Host, Verbs
from shared.errors import Code
from shared.hostwire import HOST, CreateInvite, Invite
from shared.messages import Failure


def test_every_verb_has_a_handler_of_its_name_that_takes_its_request() -> None:
    for name, verb in HOST.verbs.items():
        handler = inspect.unwrap(getattr(Verbs, name))
        parameter = list(inspect.signature(handler).parameters)[1]
        assert verb.request is get_type_hints(handler)[parameter]


def test_a_missing_handler_is_an_error_at_the_start() -> None:
    class Missing:
        pass

    with pytest.raises(RuntimeError, match="create_workspace"):
        HOST.handlers(Missing(), beside="answer")


def test_a_handler_without_a_verb_is_an_error_at_the_start() -> None:
    async def handler() -> None:
        pass

    extra = type("Extra", (), dict.fromkeys((*HOST.verbs, "become_root"), staticmethod(handler)))
    with pytest.raises(RuntimeError, match="become_root"):
        HOST.handlers(extra(), beside="answer")


def test_no_audited_field_is_a_secret() -> None:
    for verb in HOST.verbs.values():
        for field in verb.audit or ():
            assert "Secret" not in str(get_type_hints(verb.request, include_extras=True)[field]), (verb.name, field)


async def test_only_what_root_does_has_hostd_wait_for_the_disk() -> None:
    """Else a taken-over api, by calls that are refused, would have every other caller wait for ever so many syncs."""
    told: list[tuple[str, bool]] = []

    def append(source: str, _events: object, *, durable: bool, **_more: Any) -> None:  # noqa: ANN401  # of no interest
        told.append((source, durable))

    host = SimpleNamespace(audit=SimpleNamespace(append=append), registry=SimpleNamespace(add_invite=lambda *_: None))
    verbs = Verbs(cast("Host", host))
    assert isinstance(await verbs.answer(0, CreateInvite(id=1)), Invite)
    refused = await verbs.answer(4711, CreateInvite(id=1))
    assert isinstance(refused, Failure)
    assert Code.FORBIDDEN == refused.code
    assert [("0", True), ("4711", False)] == told
