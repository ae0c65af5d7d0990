import os
from pathlib import Path

import msgspec
import pytest

from guest.turns import journal
from guest.turns.journal import PERMISSIONS_KEPT, TURNS_KEPT, Journal
from shared.ids import new_permission_id, new_turn_id
from shared.turns import AgentState, AnsweredBy, ConversationInfo, PermissionInfo, ToolKind, TurnInfo, TurnStatus

SESSION = "s" + "0" * 24
NOW = "2026-01-01T00:00:00.000Z"


def turn(*, ended: bool = True) -> TurnInfo:
    status, end = (TurnStatus.COMPLETED, NOW) if ended else (TurnStatus.RUNNING, None)
    return TurnInfo(
        turn=new_turn_id(),
        session=SESSION,
        agent="fake",
        worktree=None,
        status=status,
        excerpt="x",
        started=NOW,
        first=1,
        ended=end,
    )


def permission(by: AnsweredBy | None) -> PermissionInfo:
    return PermissionInfo(
        permission=new_permission_id(),
        session=SESSION,
        turn=new_turn_id(),
        agent="fake",
        title="rm",
        kind=ToolKind.EXECUTE,
        options=[],
        asked=NOW,
        deadline=NOW,
        by=by,
        input="secret input",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "turns.jsonl"


def test_the_last_word_about_a_thing_counts(path: Path) -> None:
    known = Journal(path, SESSION)
    first, second = turn(ended=False), turn(ended=False)
    over = msgspec.structs.replace(first, ended=NOW, status=TurnStatus.FAILED)
    asked = permission(None)
    conversation = ConversationInfo(
        session=SESSION, agent="fake", worktree=None, running=False, turn=None, native="abc", state=AgentState()
    )
    for thing in (first, second, over, asked, conversation):
        known.put(thing)
    again = Journal(path, SESSION)
    assert [over, second] == list(again.turns.values())
    assert {("fake", None): conversation} == again.conversations
    assert [msgspec.structs.replace(asked, input=None)] == list(again.permissions.values())
    assert {} == Journal(path, "s" + "1" * 24).turns


def test_of_what_is_over_so_much_is_kept(path: Path) -> None:
    known = Journal(path, SESSION)
    running, waits = turn(ended=False), permission(None)
    known.put(running)
    known.put(waits)
    turns = [turn() for _ in range(TURNS_KEPT + 5)]
    for one in turns:
        known.put(one)
    for _ in range(PERMISSIONS_KEPT + 5):
        known.put(permission(AnsweredBy.USER))
    for kept in (known, Journal(path, SESSION)):
        assert [running, *turns[6:]] == list(kept.turns.values())
        assert PERMISSIONS_KEPT == len(kept.permissions)
        assert waits.permission in kept.permissions


def test_what_somebody_makes_of_the_file_meanwhile_is_undone(path: Path) -> None:
    known = Journal(path, SESSION)
    turns = [turn() for _ in range(4)]
    for change in (
        lambda: os.truncate(path, 10),
        path.unlink,
        lambda: path.write_bytes(b"garbage" * 100_000),
        lambda: os.rename(path, path.with_name("away")),
    ):
        known.put(turns[0])
        change()
        known.put(turns[0])
    for one in turns[1:]:
        known.put(one)
    assert turns == list(Journal(path, SESSION).turns.values())


def test_a_long_file_is_read_at_its_end_and_written_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_FILE_MAX", 10_000)
    known = Journal(path, SESSION)
    one = turn()
    for _ in range(1000):
        known.put(one)
        assert path.stat().st_size < 20_500
    with path.open("ab") as file:
        file.write(b"x" * 50_000 + b"\n" + msgspec.json.encode(one) + b"\n")
    again = Journal(path, SESSION)
    assert [one] == list(again.turns.values())
    assert path.stat().st_size < 1000
