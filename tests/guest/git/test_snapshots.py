import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from guest.git import snapshots
from shared import guestwire as wire
from shared import turns
from shared.errors import Code
from shared.ids import new_turn_id, new_worktree_id
from shared.repos import Diff
from tests.guest.conftest import MakeWorker
from tests.guest.harness import DEADLINE, git
from tests.guest.work import Worker, refused


@pytest.fixture
async def session(worker: Worker, bare: Path) -> str:
    made = (await worker.session(repo_url=f"file://{bare}")).session
    await worker.settled(made)
    return made


def repo(worker: Worker, session: str) -> Path:
    return worker.sessions / session / "repo"


async def diff(worker: Worker, turn: turns.TurnInfo, **fields: Any) -> Diff:  # noqa: ANN401  # the request's
    found: Diff = await worker.call(wire.repos.GetTurnDiff(session=turn.session, turn=turn.turn, **fields))
    return found


def numbers(found: Diff) -> dict[str, tuple[int | None, int | None]]:
    return {file.path: (file.added, file.removed) for file in found.files}


def state(folder: Path) -> tuple[str, ...]:
    """All that the tenant's git knows."""
    kept = (folder / ".git" / "index").read_bytes().hex()
    objects = git("count-objects", "-v", cwd=folder)
    return kept, objects, git("for-each-ref", cwd=folder), git("rev-parse", "HEAD", cwd=folder), git("status", "-s", cwd=folder)


async def test_a_diff_has_what_the_turn_has_changed_and_nothing_from_before_or_after(worker: Worker, session: str) -> None:
    folder = repo(worker, session)
    (folder / "README").write_text("two\nby hand\n")
    (folder / "draft").write_text("by hand\n")
    first = await worker.done(session, "edit README by the agent", "edit new hello", "run rm draft")
    assert {"README": (1, 2), "new": (1, 0), "draft": (0, 1)} == numbers(await diff(worker, first))
    (folder / "later").write_text("by hand\n")
    second = await worker.done(session, "edit other x")
    assert ["other"] == list(numbers(await diff(worker, second)))
    assert {"README", "new", "draft"} == set(numbers(await diff(worker, first)))
    scoped = await diff(worker, first, path="new", context=0)
    assert ["new"] == list(numbers(scoped))
    assert "+hello" in scoped.patch


async def test_the_repository_is_left_as_it_was(worker: Worker, session: str) -> None:
    folder = repo(worker, session)
    (folder / "untracked").write_text("x")
    before = state(folder)
    for hook in ("post-index-change", "pre-commit", "reference-transaction"):
        path = folder / ".git" / "hooks" / hook
        path.write_text("#!/bin/sh\ntouch ran\n")
        path.chmod(0o755)
    turn = await worker.done(session, "say nothing")
    found = await diff(worker, turn)
    assert ([], "") == (found.files, found.patch)
    assert not (folder / "ran").exists()
    shutil.rmtree(folder / ".git" / "hooks")
    assert before == state(folder)
    leftover = {entry.name for entry in (worker.sessions / session / "snapshots" / turn.turn).iterdir()}
    assert {"objects", "snapshot.json"} == leftover


async def test_a_commit_in_the_turn_a_merge_and_a_new_branch_make_no_difference(worker: Worker, session: str) -> None:
    commit = "git -c user.name=a -c user.email=a@example.org commit -qam x"
    turn = await worker.done(session, "edit README committed", f"run git switch -qc new && {commit}", "run git switch -q main")
    assert {} == numbers(await diff(worker, turn))
    turn = await worker.done(session, "run git switch -q new")
    assert {"README": (1, 1)} == numbers(await diff(worker, turn))


async def test_files_become_folders_and_links_and_the_other_way_round(worker: Worker, session: str) -> None:
    folder = repo(worker, session)
    (folder / "folder").mkdir()
    for name in ("folder/a", "folder/b", "file"):
        (folder / name).write_text("x\n")
    git("add", ".", cwd=folder)
    outside = worker.home / "outside"
    outside.mkdir()
    (outside / "a").write_text("secret\n")
    changes = f"run rm -r folder file && ln -s {outside} folder && mkdir file && echo y > file/inside && mkfifo pipe"
    turn = await worker.done(session, changes)
    found = await diff(worker, turn)
    assert {"file", "file/inside", "folder", "folder/a", "folder/b"} == {
        name for file in found.files for name in (file.path, file.original) if name
    }
    assert "secret" not in found.patch
    back = await worker.done(session, "run rm -r folder file && echo x > file && mkdir folder && echo x > folder/a")
    assert {"file/inside", "file", "folder", "folder/a"} >= set(numbers(await diff(worker, back)))


async def test_a_submodule_is_told_when_its_commit_changes_and_only_then(worker: Worker, session: str) -> None:
    folder = repo(worker, session)
    commit = "git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m x"
    git("init", "--quiet", "inner", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "-m", "x", cwd=folder / "inner")
    git("add", "inner", cwd=folder)
    turn = await worker.done(session, "run touch inner/file", "edit other x")
    assert ["other"] == list(numbers(await diff(worker, turn)))
    turn = await worker.done(session, f"run cd inner && {commit}")
    assert {"inner": (1, 1)} == numbers(await diff(worker, turn))


async def test_what_is_ignored_and_repositories_inside_are_left_out(worker: Worker, session: str) -> None:
    folder = repo(worker, session)
    (folder / ".gitignore").write_text("*.log\n")
    turn = await worker.done(session, "edit a.log x", "edit b x", "run git init -q inner && touch inner/file")
    assert ["b"] == list(numbers(await diff(worker, turn)))


async def test_names_that_are_no_text_are_told_like_those_of_files(worker: Worker, session: str) -> None:
    turn = await worker.done(session, r"run printf x > $(printf 'a\377 b')")
    assert 1 == len((await diff(worker, turn)).files)


async def test_turns_in_worktrees_side_by_side_do_not_disturb_each_other(worker: Worker, session: str) -> None:
    trees: list[str | None] = [None, *(new_worktree_id() for _ in range(3))]
    for tree in filter(None, trees):
        await worker.call(wire.sessions.CreateWorktree(session=session, worktree=tree, name="w"))
    infos = [
        await worker.prompt(session, f"edit file-{number} x", "delay 0.2", f"edit again-{number} y", worktree=tree)
        for number, tree in enumerate(trees)
    ]
    for number, info in enumerate(infos):
        await (await worker.follow(session)).end(info)
        assert {f"file-{number}", f"again-{number}"} == set(numbers(await diff(worker, info)))
    await worker.call(wire.sessions.RemoveWorktree(session=session, worktree=trees[1] or "", force=True))
    assert {"file-1", "again-1"} == set(numbers(await diff(worker, infos[1])))


async def test_while_a_turn_runs_its_diff_is_until_now(worker: Worker, session: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    turn = await worker.prompt(session, "edit first x", "say written", f"wait {gate}", "edit second y")
    follower = await worker.follow(session)
    await follower.until(turns.Message)
    for _ in range(2):
        assert ["first"] == list(numbers(await diff(worker, turn)))
    kept = worker.sessions / session / "snapshots" / turn.turn
    assert {"objects", "snapshot.json"} == {entry.name for entry in kept.iterdir()}
    assert not [path for path in (kept / "objects").rglob("*") if path.is_file()]
    gate.touch()
    await follower.end(turn)
    assert {"first", "second"} == set(numbers(await diff(worker, turn)))


async def test_the_diff_of_a_turn_that_a_crash_has_ended_is_until_now(worker: Worker, session: str) -> None:
    turn = await worker.prompt(session, "edit first x", "say written", "hang")
    await (await worker.follow(session)).until(turns.Message)
    worker.kill()
    worker.again()
    assert ["first"] == list(numbers(await diff(worker, turn)))
    assert turns.TurnStatus.FAILED is (await worker.get(turn)).status


async def test_a_session_that_was_never_committed_to_has_diffs_too(worker: Worker) -> None:
    turn = await worker.done(await worker.made(), "edit first x")
    assert ["first"] == list(numbers(await diff(worker, turn)))


async def test_the_snapshots_of_the_last_turns_are_kept(worker: Worker, session: str) -> None:
    folder = worker.sessions / session / "snapshots"
    made = [await worker.done(session, f"edit file {number}") for number in range(snapshots.KEPT + 2)]
    async with asyncio.timeout(DEADLINE):  # the last is removed after its turn's end is told
        while {turn.turn for turn in made[2:]} != {entry.name for entry in folder.iterdir()}:
            await asyncio.sleep(0.01)
    await refused(diff(worker, made[0]), Code.CONFLICT, f"last {snapshots.KEPT} turns")
    assert ["file"] == list(numbers(await diff(worker, made[2])))
    unknown = wire.repos.GetTurnDiff(session=session, turn=new_turn_id())
    await refused(worker.call(unknown), Code.NOT_FOUND)


def test_what_goes_while_it_is_measured_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's locks come and go in a turn that runs; the next look is at the end of the next turn."""
    for name in ("turn", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index").write_bytes(b"x")

    def walk(top: Path) -> list[tuple[str, list[str], list[str]]]:
        return [(str(top), [], ["index", "index.lock"])]

    monkeypatch.setattr("os.walk", walk)
    assert {"turn", "other"} == set(snapshots._sizes(tmp_path))


def test_the_oldest_snapshots_go_when_all_are_too_large() -> None:
    sizes = {"a": 1, "b": 3, "c": 2}
    assert ["c", "b", "a"] == snapshots._fitting(["a", "b", "c"], sizes, 6)
    assert ["c", "b"] == snapshots._fitting(["a", "b", "c"], sizes, 5)
    assert ["c"] == snapshots._fitting(["a", "b", "c"], sizes, 4)
    assert [] == snapshots._fitting(["a", "b", "c"], sizes, 1)


async def test_the_snapshots_of_a_session_take_bounded_bytes(worker: Worker, session: str) -> None:
    folder = worker.sessions / session / "snapshots"
    old, large, last = [await worker.done(session, f"edit file {number}") for number in range(3)]
    with (folder / large.turn / "objects" / "large").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, snapshots.SESSION_BYTES)
    new = await worker.done(session, "edit file new")
    async with asyncio.timeout(DEADLINE):
        while {last.turn, new.turn} != {entry.name for entry in folder.iterdir()}:
            await asyncio.sleep(0.01)
    await refused(diff(worker, old), Code.CONFLICT, "there is no snapshot")
    assert ["file"] == list(numbers(await diff(worker, last)))


async def test_a_snapshot_that_cannot_be_written_fails_no_turn(worker: Worker, session: str) -> None:
    (worker.sessions / session / "snapshots").write_text("in the way")
    turn = await worker.done(session, "edit file x", "say done")
    assert turns.TurnStatus.COMPLETED is turn.status
    await refused(diff(worker, turn), Code.CONFLICT, "there is no snapshot")


async def test_without_a_repository_there_is_no_diff_and_the_turn_runs(worker: Worker, session: str) -> None:
    (repo(worker, session) / ".git").rename(worker.home / "moved")
    turn = await worker.done(session, "say hello")
    assert turns.TurnStatus.COMPLETED is turn.status
    await refused(diff(worker, turn), Code.CONFLICT, "not a git repository")


@pytest.mark.parametrize("kind", ["files", "bytes"])
async def test_what_is_too_large_has_no_snapshot_and_delays_no_turn(worker: Worker, session: str, kind: str) -> None:
    folder = repo(worker, session)
    for number in range(snapshots.FILES_MAX + 1 if kind == "files" else 1):
        with (folder / f"file-{number}").open("wb") as file:
            file.truncate(0 if kind == "files" else snapshots.BYTES_MAX + 1)
    turn = await worker.done(session, "edit README x")
    assert turns.TurnStatus.COMPLETED is turn.status
    await refused(diff(worker, turn), Code.CONFLICT, "5000 files or 32 MiB")


async def test_a_git_that_hangs_delays_a_prompt_for_a_bounded_time_only(make_worker: MakeWorker, bare: Path) -> None:
    worker = make_worker()
    session = (await worker.session(repo_url=f"file://{bare}")).session
    await worker.settled(session)
    folder = repo(worker, session)
    git("config", "filter.slow.clean", "sleep 60", cwd=folder)
    (folder / ".gitattributes").write_text("* filter=slow\n")
    clock = asyncio.get_running_loop().time
    began = clock()
    turn = await worker.done(session, "say hello")
    assert turns.TurnStatus.COMPLETED is turn.status
    assert clock() - began < snapshots.SECONDS + 5
    await refused(diff(worker, turn), Code.CONFLICT, "more than 5 seconds")
    # What was written of it before is given back.
    assert ["snapshot.json"] == [entry.name for entry in (worker.sessions / session / "snapshots" / turn.turn).iterdir()]


async def test_line_ends_that_git_would_not_commit_are_kept_all_the_same(worker: Worker, session: str) -> None:
    folder = repo(worker, session)
    git("config", "core.autocrlf", "true", cwd=folder)
    git("config", "core.safecrlf", "true", cwd=folder)
    (folder / "mixed").write_bytes(b"one\r\ntwo\n")
    turn = await worker.done(session, "edit new x")
    assert ["new"] == list(numbers(await diff(worker, turn)))


async def test_a_record_that_the_tenant_has_written_is_checked(worker: Worker, session: str) -> None:
    turn = await worker.done(session, "edit file x")
    record = worker.sessions / session / "snapshots" / turn.turn / "snapshot.json"
    for text in ('{"before": "--output=/tmp/x"}', "{", '{"before": 1}', "x" * 10_000):
        record.write_text(text)
        await refused(diff(worker, turn), Code.CONFLICT)
    record.write_text(json.dumps({"before": "0" * 40, "after": "1" * 40}))
    await refused(diff(worker, turn), Code.FAILED)
    record.unlink()
    os.mkfifo(record)
    await refused(diff(worker, turn), Code.CONFLICT)


async def test_nothing_of_a_snapshot_is_pushed_or_listed(worker: Worker, session: str, bare: Path) -> None:
    folder = repo(worker, session)
    await worker.done(session, "edit file x")
    git("push", "--quiet", "--mirror", str(bare), cwd=folder)
    assert "hostel" not in git("for-each-ref", cwd=bare)
    missing = subprocess.run(["git", "fsck", "--unreachable"], cwd=folder, capture_output=True, check=True, text=True)
    assert "unreachable" not in missing.stdout


async def test_nothing_of_a_hostile_repository_runs_for_a_snapshot(worker: Worker, session: str, tmp_path: Path) -> None:
    """Hooks and an fsmonitor that a repository brings, pipes in the place of files, links to what is huge or outside."""
    folder, ran = repo(worker, session), tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)
    hooks = folder / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
        shutil.copy(evil, hooks / name)
        shutil.copy(evil, folder / ".git/hooks" / name)
    git("config", "core.hooksPath", str(hooks), cwd=folder)
    git("config", "core.fsmonitor", str(evil), cwd=folder)
    os.mkfifo(folder / "pipe")
    (folder / "README").unlink()
    os.mkfifo(folder / "README")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "up").symlink_to("..")
    turn = await worker.done(session, "edit new hello")
    assert {"new": (1, 0)} == numbers(await diff(worker, turn))
    assert not ran.exists()
