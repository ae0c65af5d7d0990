import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Code, Fault
from shared.guestwire import repos as wire
from shared.guestwire.sessions import CreateWorktree
from shared.ids import new_worktree_id
from shared.messages import Request
from shared.repos import Author, Branches, CommitInfo, Commits, Diff, Merged, MergeOutcome, RepoStatus
from shared.rooms import GitAuth, GitAuthType
from shared.secret import Secret
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Client, Guest, git
from tests.guest.servers import https, silent

TOKEN = "sentinel-token-77ab"


class Scene:
    """A session with a clone of `bare`, and a caller."""

    def __init__(self, guest: Guest, client: Client, session: str) -> None:
        self.guest = guest
        self.client = client
        self.session = session
        self.folder = guest.sessions / session / "repo"

    async def call(self, kind: Callable[..., Request], **fields: Any) -> Any:  # noqa: ANN401  # the verb says which
        return await self.client.call(kind(session=self.session, **fields))

    async def stream(self, kind: Callable[..., Request], **fields: Any) -> Any:  # noqa: ANN401  # the verb says which
        client = await self.guest.client()
        await client.call(kind(session=self.session, **fields))
        return await client.receive()

    async def code(self, kind: Callable[..., Request], **fields: Any) -> tuple[Code, str]:  # noqa: ANN401  # the request's
        with pytest.raises(Fault) as raised:
            await self.call(kind, **fields)
        return raised.value.code, raised.value.message

    async def refused(self, kind: Callable[..., Request], **fields: Any) -> None:  # noqa: ANN401  # the request's
        """What is no request of its kind ends the connection, before anything of it is done."""
        client = await self.guest.client()
        await client.link.send(kind(id=1, session=self.session, **fields))
        failure = await client.expect_failure()
        assert (Code.BAD_REQUEST, 0) == (failure.code, failure.id)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)


async def scene_of(guest: Guest, url: str | None, **fields: Any) -> Scene:  # noqa: ANN401  # the request's
    info = await guest.settled((await guest.session(repo_url=url, **fields)).session)
    assert info.error is None
    return Scene(guest, await guest.client(), info.session)


@pytest.fixture
async def scene(guest: Guest, bare: Path) -> Scene:
    return await scene_of(guest, f"file://{bare}")


def letters(status: RepoStatus) -> dict[str, str]:
    return {entry.path: entry.staged + entry.unstaged for entry in status.entries}


async def test_a_status_tells_all_that_differs(scene: Scene) -> None:
    clean: RepoStatus = await scene.call(wire.GetStatus)
    assert ("main", "origin/main", 0, 0, False, []) == (
        *(clean.branch, clean.upstream, clean.ahead, clean.behind, clean.merging, clean.entries),
    )
    scene.write("new dir/é \n x", "new")
    scene.write("README", "changed")
    scene.write("staged", "a\nb\nc\n")
    git("add", "staged", cwd=scene.folder)
    (scene.folder / os.fsdecode(b"raw\xff")).touch()
    status: RepoStatus = await scene.call(wire.GetStatus)
    assert {"new dir/é \n x": "??", "README": ".M", "staged": "A.", "raw\uefff": "??"} == letters(status)
    git("mv", "README", "moved", cwd=scene.folder)
    moved = next(e for e in (await scene.call(wire.GetStatus)).entries if e.original)
    assert ("moved", "README", "R") == (moved.path, moved.original, moved.staged)


async def test_a_status_of_a_thousand_entries_is_whole_and_of_more_is_cut(scene: Scene) -> None:
    for number in range(1000):
        scene.write(f"many/{number}", "")
    status: RepoStatus = await scene.call(wire.GetStatus)
    assert (1000, False) == (len(status.entries), status.truncated)
    scene.write("many/1000", "")
    status = await scene.call(wire.GetStatus)
    assert (1000, True) == (len(status.entries), status.truncated)


async def test_an_empty_repository_has_a_status_a_log_and_a_first_commit(guest: Guest) -> None:
    scene = await scene_of(guest, None)
    status: RepoStatus = await scene.call(wire.GetStatus)
    assert ("main", None, None, None) == (status.branch, status.commit, status.upstream, status.ahead)
    log: Commits = await scene.call(wire.ListCommits)
    assert (None, [], False) == (log.start, log.items, log.more)
    assert Code.CONFLICT == (await scene.code(wire.Commit, message="one", all=True))[0]
    scene.write("a", "a\n")
    made: CommitInfo = await scene.call(wire.Commit, message="one\n\nbody\n# no comment", all=True)
    assert ("one", "body\n# no comment", []) == (made.subject, made.body, made.parents)
    assert (scene.guest.workspace, f"{scene.guest.workspace}@hostel.invalid") == (made.author_name, made.author_email)


async def test_differences_of_all_kinds(scene: Scene) -> None:
    first = git("rev-parse", "v1", cwd=scene.folder)
    scene.write("README", "two\nthree\n")
    git("add", "README", cwd=scene.folder)
    scene.write("README", "four\n")
    diff: Diff = await scene.call(wire.GetDiff)
    assert [("README", 1, 2)] == [(f.path, f.added, f.removed) for f in diff.files]
    assert "-three\n" in diff.patch
    staged: Diff = await scene.call(wire.GetDiff, staged=True)
    assert [("README", 1, 0)] == [(f.path, f.added, f.removed) for f in staged.files]
    since: Diff = await scene.call(wire.GetDiff, base="v1")
    assert "-one\n+four\n" in since.patch
    between: Diff = await scene.call(wire.GetDiff, base="main", target="topic")
    assert {"README", "topic"} == {f.path for f in between.files}
    fork: Diff = await scene.call(wire.GetDiff, base="main", target="origin/topic", since_fork=True)
    assert {"topic"} == {f.path for f in fork.files}
    assert [] == (await scene.call(wire.GetDiff, base=first, path="no*thing")).files
    nothing = git("hash-object", "-t", "tree", "/dev/null", cwd=scene.folder)
    whole: Diff = await scene.call(wire.GetDiff, base=nothing, target="v1")
    assert [("README", 1, 0)] == [(f.path, f.added, f.removed) for f in whole.files]
    assert Code.NOT_FOUND == (await scene.code(wire.GetDiff, base="nothing"))[0]
    assert Code.BAD_REQUEST == (await scene.code(wire.GetDiff, target="main"))[0]
    assert Code.BAD_REQUEST == (await scene.code(wire.GetDiff, path="../x"))[0]
    await scene.refused(wire.GetDiff, base="--output=x")


async def test_binary_files_renames_and_long_patches(scene: Scene) -> None:
    (scene.folder / "binary").write_bytes(bytes(range(256)))
    (scene.folder / "long").write_bytes(b"\xff" * 600 * 1024 + b"\n")
    git("mv", "README", "moved", cwd=scene.folder)
    git("add", ".", cwd=scene.folder)
    diff: Diff = await scene.call(wire.GetDiff, staged=True)
    by_path = {f.path: f for f in diff.files}
    assert (None, None) == (by_path["binary"].added, by_path["binary"].removed)
    assert "README" == by_path["moved"].original
    assert diff.truncated
    assert len(diff.patch.encode()) <= 512 * 1024


async def test_history_is_paged(scene: Scene) -> None:
    for number in range(5):
        git("commit", "--quiet", "--allow-empty", "-m", f"n{number}", cwd=scene.folder)
    first: Commits = await scene.call(wire.ListCommits, limit=3)
    assert (["n4", "n3", "n2"], True) == ([c.subject for c in first.items], first.more)
    second: Commits = await scene.call(wire.ListCommits, start=first.start, skip=3, limit=4)
    assert (["n1", "n0", "two", "one"], False) == ([c.subject for c in second.items], second.more)
    assert ["topic", "one"] == [c.subject for c in (await scene.call(wire.ListCommits, start="topic")).items]
    assert ["two", "one"] == [c.subject for c in (await scene.call(wire.ListCommits, path="README")).items]
    assert Code.NOT_FOUND == (await scene.code(wire.ListCommits, start="nothing"))[0]
    (scene.folder / "message").write_text("x" * 5_000_000)
    git("commit", "--quiet", "--allow-empty", "-F", "message", cwd=scene.folder)
    assert 1 == len((await scene.call(wire.ListCommits, limit=1)).items)


async def test_branches_are_listed(scene: Scene) -> None:
    git("branch", "--no-track", "a/b", cwd=scene.folder)
    found: Branches = await scene.call(wire.ListBranches)
    assert [("a/b", False, False), ("main", False, True), ("origin/main", True, False), ("origin/topic", True, False)] == [
        (b.name, b.remote, b.current) for b in found.items
    ]
    assert "origin/main" == found.items[1].upstream


@pytest.mark.parametrize("date", ["99999999999999 +0000", "-5 +0000", "", "1 -2359", "1 +9999", "253402300800 +0000", "x y"])
async def test_a_commit_of_no_date_is_told_all_the_same(scene: Scene, date: str) -> None:
    """Anybody can make one, and it must not hide the others."""
    tree = git("rev-parse", "HEAD^{tree}", cwd=scene.folder)
    parent = git("rev-parse", "HEAD", cwd=scene.folder)
    who = f"A <a@b> {date}"
    scene.write("commit", f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nodd\n")
    commit = git("hash-object", "-t", "commit", "-w", "--literally", "commit", cwd=scene.folder)
    git("update-ref", "HEAD", commit, cwd=scene.folder)
    commits: Commits = await scene.call(wire.ListCommits)
    assert len(commits.items) > 1
    assert (commit, "odd") == (commits.items[0].commit, commits.items[0].subject)
    assert commits.items[0].authored.startswith("1970-01-01T00:00:0")
    assert commits.items[0].committed.endswith("Z")


async def test_only_the_named_paths_are_committed(scene: Scene) -> None:
    scene.write("one", "1")
    scene.write("two", "2")
    scene.write(":(glob)*", "3")
    git("add", "two", cwd=scene.folder)
    (scene.folder / "README").unlink()
    author = Author("Ä. Author", "a@example.org")
    made: CommitInfo = await scene.call(wire.Commit, message="m", paths=["one", "README", ":(glob)*"], author=author)
    assert ("Ä. Author", "a@example.org") == (made.author_name, made.author_email)
    assert {"D\tREADME", "A\tone", "A\t:(glob)*"} == set(
        git("show", "--name-status", "--format=", cwd=scene.folder).splitlines()
    )
    assert {"two": "A."} == letters(await scene.call(wire.GetStatus))
    assert Code.CONFLICT == (await scene.code(wire.Commit, message="m", paths=["one"]))[0]
    await scene.call(wire.Commit, message="m")
    assert (Code.CONFLICT, "there is nothing to commit") == await scene.code(wire.Commit, message="m")
    for wrong in (["../x"], ["/etc/passwd"], ["nothing"]):
        assert (await scene.code(wire.Commit, message="m", paths=wrong))[0] in {Code.BAD_REQUEST, Code.FAILED}


async def test_who_is_configured_commits(scene: Scene) -> None:
    (scene.guest.home / ".gitconfig").write_text("[user]\n\tname = Me\n\temail = me@example.org\n")
    scene.write("x", "x")
    made: CommitInfo = await scene.call(wire.Commit, message="m", all=True)
    assert ("Me", "me@example.org") == (made.author_name, made.author_email)


async def test_branches_are_switched_and_made(scene: Scene) -> None:
    assert "topic" == (await scene.call(wire.SwitchBranch, branch="topic")).branch
    status: RepoStatus = await scene.call(wire.SwitchBranch, branch="new", start="v1")
    assert ("new", None) == (status.branch, status.upstream)
    assert Code.CONFLICT == (await scene.code(wire.SwitchBranch, branch="main", start="v1"))[0]
    assert Code.NOT_FOUND == (await scene.code(wire.SwitchBranch, branch="nothing"))[0]
    assert Code.BAD_REQUEST == (await scene.code(wire.SwitchBranch, branch="a..b", start="v1"))[0]
    await scene.refused(wire.SwitchBranch, branch="-f")
    scene.write("README", "mine")
    assert Code.CONFLICT == (await scene.code(wire.SwitchBranch, branch="main"))[0]
    worktree = new_worktree_id()
    await scene.client.call(CreateWorktree(session=scene.session, worktree=worktree, name="x", branch="main"))
    assert "main" == (await scene.call(wire.GetStatus, worktree=worktree)).branch
    assert Code.CONFLICT == (await scene.code(wire.SwitchBranch, branch="new", worktree=worktree))[0]


async def test_merges_of_all_kinds(scene: Scene) -> None:
    merged: Merged = await scene.call(wire.MergeBranch, ref="topic")
    assert MergeOutcome.MERGED == merged.outcome
    assert "Merge `topic`" == (await scene.call(wire.ListCommits, limit=1)).items[0].subject
    assert MergeOutcome.UP_TO_DATE == (await scene.call(wire.MergeBranch, ref="topic")).outcome
    await scene.call(wire.SwitchBranch, branch="old", start="v1")
    assert MergeOutcome.FAST_FORWARD == (await scene.call(wire.MergeBranch, ref="origin/main")).outcome
    assert Code.CONFLICT == (await scene.code(wire.MergeBranch, ref="topic", fast_forward=True))[0]
    assert Code.NOT_FOUND == (await scene.code(wire.MergeBranch, ref="nothing"))[0]
    assert Code.NOT_FOUND == (await scene.code(wire.MergeBranch))[0]
    assert Code.CONFLICT == (await scene.code(wire.AbortMerge))[0]


async def conflict(scene: Scene) -> Merged:
    await scene.call(wire.SwitchBranch, branch="other", start="v1")
    scene.write("README", "other\n")
    await scene.call(wire.Commit, message="other", all=True)
    merged: Merged = await scene.call(wire.MergeBranch, ref="main")
    return merged


async def test_a_conflict_is_told_and_aborted(scene: Scene) -> None:
    merged = await conflict(scene)
    assert (MergeOutcome.CONFLICT, ["README"]) == (merged.outcome, merged.conflicts)
    status: RepoStatus = await scene.call(wire.GetStatus)
    assert (True, [("README", True)]) == (status.merging, [(e.path, e.conflict) for e in status.entries])
    assert ["<<<<<<< HEAD", "=======", ">>>>>>> refs/heads/main"] == [
        line for line in (scene.folder / "README").read_text().splitlines() if line[:7] in ("<<<<<<<", "=======", ">>>>>>>")
    ]
    assert Code.CONFLICT == (await scene.code(wire.Commit, message="m", all=True))[0]
    assert Code.CONFLICT == (await scene.code(wire.Commit, message="m"))[0]
    assert Code.CONFLICT == (await scene.code(wire.MergeBranch, ref="topic"))[0]
    back: RepoStatus = await scene.call(wire.AbortMerge)
    assert (False, []) == (back.merging, back.entries)
    assert "other\n" == (scene.folder / "README").read_text()


async def test_a_conflict_is_resolved_and_committed(scene: Scene) -> None:
    await conflict(scene)
    scene.write("README", "both\n")
    made: CommitInfo = await scene.call(wire.Commit, message="merged", paths=["README"])
    assert 2 == len(made.parents)
    assert not (await scene.call(wire.GetStatus)).merging


async def test_changes_are_thrown_away(scene: Scene) -> None:
    scene.write("README", "staged")
    git("add", ".", cwd=scene.folder)
    scene.write("README", "changed")
    assert {"README": "M."} == letters(await scene.call(wire.RestorePaths, paths=["README"]))
    assert {"README": ".M"} == letters(await scene.call(wire.RestorePaths, paths=["README"], files=False, staged=True))
    git("add", ".", cwd=scene.folder)
    assert {} == letters(await scene.call(wire.RestorePaths, paths=["README"], staged=True))
    assert Code.FAILED == (await scene.code(wire.RestorePaths, paths=["*"]))[0]
    assert Code.BAD_REQUEST == (await scene.code(wire.RestorePaths, paths=["README"], files=False))[0]


async def test_another_git_at_work_is_busy(scene: Scene) -> None:
    (scene.folder / ".git" / "index.lock").touch()
    scene.write("x", "x")
    assert Code.BUSY == (await scene.code(wire.Commit, message="m", all=True))[0]
    assert {"x": "??"} == letters(await scene.call(wire.GetStatus))


async def test_what_is_pushed_is_there_and_what_is_rejected_is_a_conflict(scene: Scene, bare: Path) -> None:
    scene.write("x", "x")
    made: CommitInfo = await scene.call(wire.Commit, message="mine", all=True)
    pushed = await scene.stream(wire.PushBranch)
    assert [("refs/heads/main", "refs/heads/main")] == [(r.source, r.target) for r in pushed.refs]
    assert made.commit == git("rev-parse", "main", cwd=bare)
    other = await scene_of(scene.guest, f"file://{bare}")
    other.write("y", "y")
    await other.call(wire.Commit, message="theirs", all=True)
    await other.stream(wire.PushBranch)
    git("commit", "--quiet", "--amend", "-m", "amended", cwd=scene.folder)
    failure = await scene.stream(wire.PushBranch)
    assert Code.CONFLICT == failure.code
    assert "fetch and merge them first" in failure.message
    # What came after the last fetch is never overwritten.
    assert "has changed since it was last fetched" in (await scene.stream(wire.PushBranch, force=True)).message
    fetched: RepoStatus = await scene.stream(wire.FetchRemote)
    assert (1, 2) == (fetched.ahead, fetched.behind)
    assert Code.CONFLICT == (await scene.stream(wire.PushBranch, lease="0" * 39 + "1")).code
    assert isinstance(await scene.stream(wire.PushBranch, force=True), wire.Pushed)
    new = await scene.stream(wire.PushBranch, target="copy", set_upstream=True)
    assert "refs/heads/copy" == new.refs[0].target
    assert "origin/copy" == (await scene.call(wire.GetStatus)).upstream


async def test_what_cannot_be_pushed_is_told(scene: Scene) -> None:
    assert Code.NOT_FOUND == (await scene.stream(wire.PushBranch, branch="nothing")).code
    assert Code.NOT_FOUND == (await scene.stream(wire.PushBranch, remote="nothing")).code
    assert Code.NOT_FOUND == (await scene.stream(wire.FetchRemote, remote="nothing")).code
    git("checkout", "--quiet", "--detach", cwd=scene.folder)
    assert Code.CONFLICT == (await scene.stream(wire.PushBranch)).code
    for remote in ("--upload-pack=touch x", "-o", "ext::sh -c x", "a b", "../x"):
        await scene.refused(wire.FetchRemote, remote=remote)
    for url in ("ext::sh -c 'touch /tmp/x'", "-oProxyCommand=x", "/etc", "https://me:hush@localhost/x"):
        git("config", "remote.origin.url", url, cwd=scene.folder)
        failure = await scene.stream(wire.FetchRemote)
        assert Code.BAD_REQUEST == failure.code
        assert "hush" not in failure.message


async def test_a_token_is_used_and_shown_nowhere(guest: Guest, bare: Path, tmp_path: Path) -> None:
    auth = GitAuth(GitAuthType.TOKEN, Secret(TOKEN), "me")
    with https(bare.parent, f"me:{TOKEN}", tmp_path / "tls") as server:
        (guest.home / ".gitconfig").write_text(f"[http]\n\tsslCAInfo = {server.ca}\n[credential]\n\thelper = store\n")
        scene = await scene_of(guest, f"{server.url}/{bare.name}", auth=auth)
        assert isinstance(await scene.stream(wire.FetchRemote, auth=auth), RepoStatus)
        without = await scene.stream(wire.FetchRemote)
        assert Code.FAILED == without.code
        wrong = await scene.stream(wire.FetchRemote, auth=GitAuth(GitAuthType.TOKEN, Secret("wrong-" + TOKEN), "me"))
        assert Code.FAILED == wrong.code
        assert TOKEN not in wrong.message
    files = (path for path in guest.home.rglob("*") if path.is_file() and not path.is_symlink())
    assert [] == [path for path in files if TOKEN.encode() in path.read_bytes()]


async def test_a_server_that_is_silent_ends_with_the_deadline_and_with_the_caller(make_guest: MakeGuest, bare: Path) -> None:
    guest = make_guest(git_timeout=1, git_protocols=["git", "file"])
    scene = await scene_of(guest, f"file://{bare}")
    with silent() as port:
        git("remote", "set-url", "origin", f"git://127.0.0.1:{port}/x", cwd=scene.folder)
        assert Code.TIMEOUT == (await scene.stream(wire.FetchRemote)).code
        guest.kill()
        guest.settings["git_timeout"] = 600
        guest.start()
        client = await guest.client()
        await client.call(wire.FetchRemote(session=scene.session))
        children = Path(f"/proc/{guest.pid}/task/{guest.pid}/children")
        async with asyncio.timeout(10):
            while not children.read_text().split():
                await asyncio.sleep(0.01)
            client.close()
            while children.read_text().split():
                await asyncio.sleep(0.01)


async def test_nothing_that_a_repository_brings_runs(guest: Guest, bare: Path) -> None:
    """Neither hooks nor the programs that a configuration can name, but for filters and merge drivers."""
    scene = await scene_of(guest, f"file://{bare}")
    mark, repo = guest.home / "ran", scene.folder / ".git"
    evil = guest.home / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $*" >> {mark}\ncat\n')
    evil.chmod(0o755)
    hooks = repo / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        *("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-checkout", "pre-merge-commit", "post-merge"),
        *("pre-push", "reference-transaction", "post-index-change", "pre-auto-gc", "post-rewrite", "fsmonitor-watchman"),
    ):
        (hooks / name).symlink_to(evil)
    pairs = {
        **{key: str(evil) for key in ("core.fsmonitor", "core.pager", "core.editor", "sequence.editor", "core.askPass")},
        **{key: str(evil) for key in ("core.sshCommand", "core.gitProxy", "core.alternateRefsCommand", "diff.external")},
        **{key: str(evil) for key in ("gpg.program", "pager.log", "pager.diff", "interactive.diffFilter", "merge.tool")},
        **dict.fromkeys(
            ("commit.gpgSign", "tag.gpgSign", "push.gpgSign", "log.showSignature", "merge.verifySignatures"), "true"
        ),
        **{f"alias.{name}": f"!{evil}" for name in ("status", "diff", "log", "commit", "push", "fetch", "merge", "switch")},
        "diff.evil.command": str(evil),
        "diff.evil.textconv": str(evil),
        "core.hooksPath": str(hooks),
        "remote.origin.uploadpack": str(evil),
        "remote.origin.receivepack": str(evil),
        "commit.template": str(evil),
        "commit.verbose": "true",
        "submodule.recurse": "true",
        "core.worktree": str(guest.home / "elsewhere"),
    }
    (guest.home / "elsewhere").mkdir()
    for key, value in pairs.items():
        git("config", key, value, cwd=scene.folder)
    scene.write(".gitattributes", "* diff=evil\n")
    scene.write("new", "new\n")
    await scene.call(wire.GetStatus)
    await scene.call(wire.GetDiff, base="HEAD")
    await scene.call(wire.Commit, message="one", all=True)
    await scene.call(wire.GetDiff, base="v1", target="HEAD")
    await scene.call(wire.ListCommits)
    await scene.call(wire.ListBranches)
    await scene.stream(wire.FetchRemote, prune=True)
    assert MergeOutcome.MERGED == (await scene.call(wire.MergeBranch, ref="topic")).outcome
    assert isinstance(await scene.stream(wire.PushBranch), wire.Pushed)
    await scene.call(wire.SwitchBranch, branch="v", start="v1")
    scene.write("README", "x")
    await scene.call(wire.RestorePaths, paths=["README"])
    assert not mark.exists(), mark.read_text()
    assert [] == os.listdir(guest.home / "elsewhere")


async def test_a_clone_without_a_repository_does_not_take_one_from_above(scene: Scene) -> None:
    (scene.folder / ".git").rename(scene.guest.home / ".git")
    code, reason = await scene.code(wire.GetStatus)
    assert (Code.FAILED, True) == (code, "not a git repository" in reason)
