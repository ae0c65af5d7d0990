from typing import Any, cast, get_type_hints

import pytest
from msgspec.structs import fields

from guest.calls.sessions import SessionCalls
from guest.events import Events
from guest.supervisor import Supervisor
from guest.verbs import CALLS, STREAMS, handlers
from shared.guestwire import GUEST
from shared.messages import Verb

VERBS = list(GUEST.verbs.values())
NOBODY = cast("Any", None)


def _supervisor() -> Supervisor:
    parts: dict[str, Any] = {field.name: NOBODY for field in fields(Supervisor)}
    return Supervisor(**parts | {"events": Events()})


@pytest.mark.parametrize("verb", VERBS, ids=lambda v: v.name)
def test_each_verb_has_one_handler_with_its_types(verb: Verb) -> None:
    found = [kind for kind in (*CALLS, *STREAMS) if hasattr(kind, verb.name)]
    assert len(found) == 1
    hints = get_type_hints(getattr(found[0], verb.name))
    assert verb.request in hints.values()
    if found[0] in CALLS:
        assert verb.reply is hints["return"]


def test_the_table_is_complete() -> None:
    calls, streams = handlers(_supervisor())
    assert {verb.request for verb in VERBS} == {*calls, *streams}
    assert not set(calls) & set(streams)


def test_a_handler_without_a_verb_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionCalls, "surprise", lambda *_: None, raising=False)
    with pytest.raises(TypeError, match="surprise"):
        handlers(_supervisor())


def test_a_verb_without_a_handler_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(SessionCalls, "ping")
    with pytest.raises(TypeError, match="ping"):
        handlers(_supervisor())
