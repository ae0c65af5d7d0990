from pathlib import Path

import pytest

from shared import guestwire as wire
from shared import rooms
from shared.errors import Code, Fault
from shared.ids import new_worktree_id
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Client, Guest, git


class Place:
    """A session with a clone, and its caller."""

    def __init__(self, guest: Guest, client: Client, session: str) -> None:
        self.guest, self.client, self.session = guest, client, session
        self.repo = guest.sessions / session / "repo"

    async def create(
        self, branch: str | None = None, start: str | None = None, worktree: str | None = None
    ) -> rooms.WorktreeInfo:
        request = wire.sessions.CreateWorktree(
            session=self.session, worktree=worktree or new_worktree_id(), name="tree", branch=branch, start=start
        )
        info: rooms.WorktreeInfo = await self.client.call(request)
        return info

    async def items(self) -> list[rooms.WorktreeInfo]:
        listed: rooms.Worktrees = await self.client.call(wire.sessions.ListWorktrees(session=self.session))
        return listed.items

    async def remove(self, worktree: str, *, force: bool = False) -> None:
        await self.client.call(wire.sessions.RemoveWorktree(session=self.session, worktree=worktree, force=force))

    def folder(self, worktree: str) -> Path:
        return self.guest.sessions / self.session / "worktrees" / worktree


@pytest.fixture
async def place(guest: Guest, bare: Path) -> Place:
    return await _place(guest, bare)


async def _place(guest: Guest, bare: Path) -> Place:
    session = (await guest.session(repo_url=f"file://{bare}")).session
    await guest.settled(session)
    return Place(guest, await guest.client(), session)


async def test_a_worktree_on_a_branch_of_the_remote_follows_it(place: Place) -> None:
    info = await place.create("topic")
    assert "topic" == info.branch
    assert (place.folder(info.worktree) / "topic").exists()
    assert "origin/topic" == git("rev-parse", "--abbrev-ref", "@{upstream}", cwd=place.folder(info.worktree))


async def test_a_worktree_on_an_existing_branch(place: Place) -> None:
    git("branch", "mine", "v1", cwd=place.repo)
    info = await place.create("mine")
    assert ("mine", git("rev-parse", "v1", cwd=place.repo)) == (info.branch, info.commit)


@pytest.mark.parametrize("start", ["v1", "HEAD", "topic", "main"])
async def test_a_new_branch_starts_where_it_is_said(place: Place, start: str) -> None:
    info = await place.create("new", start)
    name = "origin/topic" if start == "topic" else start
    assert ("new", git("rev-parse", f"{name}^{{commit}}", cwd=place.repo)) == (info.branch, info.commit)


async def test_without_a_branch_its_head_is_detached(place: Place) -> None:
    for start, name in ((None, "HEAD"), ("v1", "v1")):
        info = await place.create(None, start)
        assert (None, git("rev-parse", f"{name}^{{commit}}", cwd=place.repo)) == (info.branch, info.commit)


async def test_they_are_listed_oldest_first_and_survive_a_restart(place: Place) -> None:
    made = [await place.create(f"b{number}", "HEAD") for number in range(3)]
    expected = [info.worktree for info in made]
    assert expected == [info.worktree for info in await place.items()]
    place.guest.kill()
    place.guest.start()
    place.client = await place.guest.client()
    assert expected == [info.worktree for info in await place.items()]


async def test_the_same_id_twice_is_the_same_worktree(place: Place) -> None:
    worktree = new_worktree_id()
    first, second = await place.create("b", "HEAD", worktree), await place.create("b", "HEAD", worktree)
    assert first.created == second.created
    assert len(await place.items()) == 1


@pytest.mark.parametrize(
    ("branch", "start", "code"),
    [
        ("nothing", None, Code.NOT_FOUND),
        ("new", "nothing", Code.NOT_FOUND),
        (None, "nothing", Code.NOT_FOUND),
        ("main", None, Code.CONFLICT),
        ("main", "v1", Code.CONFLICT),
        ("a..b", "HEAD", Code.BAD_REQUEST),
        ("a.lock", "HEAD", Code.BAD_REQUEST),
    ],
)
async def test_what_cannot_be_is_an_error_and_leaves_nothing(
    place: Place, branch: str | None, start: str | None, code: Code
) -> None:
    with pytest.raises(Fault) as raised:
        await place.create(branch, start)
    assert code == raised.value.code
    assert [] == await place.items()


async def test_without_a_commit_there_is_no_worktree(guest: Guest) -> None:
    session = (await guest.session()).session
    with pytest.raises(Fault, match="no commit yet"):
        await Place(guest, await guest.client(), session).create()


async def test_worktrees_are_limited(make_guest: MakeGuest, bare: Path) -> None:
    place = await _place(make_guest(worktrees=2), bare)
    for number in range(2):
        await place.create(f"b{number}", "HEAD")
    with pytest.raises(Fault, match="2 worktrees"):
        await place.create("b2", "HEAD")


async def test_a_clean_one_is_removed_and_a_changed_one_needs_force(place: Place) -> None:
    clean, changed = await place.create("a", "HEAD"), await place.create("b", "HEAD")
    (place.folder(changed.worktree) / "new").write_text("x")
    await place.remove(clean.worktree)
    with pytest.raises(Fault) as raised:
        await place.remove(changed.worktree)
    assert Code.CONFLICT == raised.value.code
    assert (place.folder(changed.worktree) / "new").exists()
    (place.folder(changed.worktree) / "locked" / "in").mkdir(parents=True)
    (place.folder(changed.worktree) / "locked").chmod(0)
    await place.remove(changed.worktree, force=True)
    assert [] == await place.items()
    assert not place.folder(changed.worktree).exists()
    assert len(git("worktree", "list", cwd=place.repo).splitlines()) == 1
    with pytest.raises(Fault, match="not_found"):
        await place.remove(clean.worktree)


async def test_a_terminal_runs_in_it_and_keeps_it_from_being_removed(place: Place) -> None:
    info = await place.create("a", "HEAD")
    terminal = await place.guest.terminal("/bin/sh", "-c", "pwd; cat", session=place.session, worktree=info.worktree)
    attachment = await place.guest.attach(terminal.terminal)
    await attachment.until(str(place.folder(info.worktree)).encode())
    with pytest.raises(Fault, match="terminals are running"):
        await place.remove(info.worktree)
    await place.remove(info.worktree, force=True)
    assert not Path(f"/proc/{terminal.pid}").exists()


async def test_one_that_its_tenant_removed_is_no_longer_listed(place: Place) -> None:
    info = await place.create("a", "HEAD")
    git("worktree", "remove", str(place.folder(info.worktree)), cwd=place.repo)
    assert [] == await place.items()
    with pytest.raises(Fault, match="not_found"):
        await place.guest.terminal("/bin/cat", session=place.session, worktree=info.worktree)
    await place.create("b", "HEAD", info.worktree)
