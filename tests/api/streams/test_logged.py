"""What is shown of an event, whatever an agent put into it."""

import json
from typing import get_args

import pytest

from api.schema import encode
from api.streams.logged import AnyLoggedView, logged_view
from shared import turns
from shared.errors import Code, Fault
from shared.ids import new_permission_id, new_turn_id, new_worktree_id
from shared.turns import Event, ToolKind, TurnStatus
from tests.api.turnguest import MOMENT, OPTIONS

BODIES: list[turns.Body] = [
    turns.TurnStarted("hi", new_worktree_id(), []),
    turns.TurnEnded(TurnStatus.COMPLETED, usage=turns.Usage(input=1, cost=0.5)),
    turns.Message("a"),
    turns.Thought("b"),
    turns.ToolCall("c1", input='{"a": [1, 2]}', output="x"),
    turns.Plan([turns.PlanEntry("do", "pending")]),
    turns.PermissionAsked(new_permission_id(), "run", ToolKind.EXECUTE, OPTIONS, MOMENT),
    turns.PermissionAnswered(new_permission_id(), turns.AnsweredBy.DEADLINE),
    turns.AgentState("ask", [turns.Choosable("ask", "Ask")]),
    turns.Notice("n"),
]


def shown(body: turns.Body) -> dict[str, object]:
    encoded = encode(logged_view(Event(1, MOMENT, "claude", new_turn_id(), body)))
    assert b"\n" not in encoded
    assert b"\r" not in encoded
    return dict(json.loads(encoded))


def test_there_is_a_view_of_every_event() -> None:
    assert set(get_args(turns.Body)) == {type(body) for body in BODIES}
    assert len(get_args(AnyLoggedView)) == len(BODIES)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_an_event_says_what_it_is_and_leaves_no_field_out(body: turns.Body) -> None:
    view = shown(body)
    name = type(body).__name__
    assert view["type"] == name[0].lower() + name[1:]
    assert {"seq", "at", "agent", "turnId"} <= view.keys()
    assert len(view) == 5 + len(body.__struct_fields__)


@pytest.mark.parametrize(
    "moment", ["", "x", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"]
)
def test_a_time_that_is_none_is_the_guests_fault(moment: str) -> None:
    with pytest.raises(Fault, match="a time that is none") as caught:
        logged_view(Event(1, moment, "claude", None, turns.Notice("n")))
    assert caught.value.code is Code.GUEST_MISBEHAVED


def test_usage_shows_zeros_and_what_is_unknown() -> None:
    usage = shown(BODIES[1])["usage"]
    assert usage == {"input": 1, "output": 0, "cacheRead": 0, "cacheWrite": 0, "cost": 0.5, "model": None}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{\n"a":\r\n1}', {"a": 1}),
        ("[]", []),
        ("null", None),
        ("", ""),
        ("{", "{"),
        ("a\n\nevent: end\ndata: {}\n\n", "a\n\nevent: end\ndata: {}\n\n"),
        (r'{"a": "\ud800"}', r'{"a": "\ud800"}'),
        ("1e999", "1e999"),
        ("NaN", "NaN"),
        ("[" * 5000, "[" * 5000),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_input_is_json_when_it_is_json_and_never_breaks_a_line(text: str, wanted: object) -> None:
    assert shown(turns.ToolCall("c", input=text))["input"] == wanted


@pytest.mark.parametrize("text", ["1" * 19, "1" * 30, "-" + "9" * 400])
def test_a_large_number_does_no_harm(text: str) -> None:
    assert str(shown(turns.ToolCall("c", input=text))["input"])


def test_a_time_that_is_none_is_not_shown() -> None:
    with pytest.raises(Fault) as caught:
        logged_view(Event(1, "yesterday", "claude", None, turns.Notice("n")))
    assert caught.value.code is Code.GUEST_MISBEHAVED
