import asyncio
import os
import resource
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from guest.files import drafts, files, listing, paths, search, searcher
from guest.files.paths import Root
from shared.errors import Code, Fault
from shared.files import FileInfo, FileKind
from shared.guestwire import files as wire
from shared.messages import Done, Failure, Message
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Client, Guest

CANARY = b"canary outside of the clone\n"
OUTSIDE = "leads out"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "sessions" / "s" / "repo").mkdir(parents=True)
    return Root(tmp_path / "sessions", ("s", "repo"))


def folder(root: Root) -> Path:
    return root.sessions.joinpath(*root.names)


def read(root: Root, path: str) -> bytes:
    fd = files.open_file(root, path)
    with open(fd, "rb") as file:
        return file.read()


def write(root: Root, path: str, data: bytes, **how: object) -> tuple[FileInfo, bool]:
    fields = {"match": None, "absent": False, "executable": None, "parents": False} | how
    with drafts.Draft(root.sessions, "s") as draft:
        draft.write(data)
        return draft.put(drafts.Place(root=root, path=path, **fields))  # type: ignore[arg-type]  # by name


def tree(root: Root, path: str = "", **wanted: object) -> list[str]:
    fields = {"depth": 16, "limit": 500, "after": "", "git": False} | wanted
    items, _ = listing.page(root, path, listing.Page(**fields))  # type: ignore[arg-type]  # by name
    return [info.path for info in items]


def code_of(call: Callable[[], object]) -> Code:
    with pytest.raises(Fault) as raised:
        call()
    return raised.value.code


@pytest.mark.parametrize(
    "raw", [b"plain", "naïve".encode(), b"\xff\x80", b"a\xe9b", "\uefff".encode(), "\ue000 \U0001f600".encode()]
)
def test_every_name_is_told_in_unicode_and_understood_again(raw: bytes) -> None:
    told = paths.shown(raw)
    told.encode()
    assert raw == paths.meant(told)


def test_names_that_are_told_differ_when_they_do() -> None:
    raws = [bytes([a, b]) for a in (0x41, 0xC3, 0xE9, 0xFF) for b in range(1, 256)] + [
        "\uefe9".encode(),
        "\uef80".encode(),
        "\uefc3\uefa9".encode(),
    ]
    assert len({*raws}) == len({paths.shown(raw) for raw in raws})


@pytest.mark.parametrize("path", ["/", "/etc", "..", "a/../b", ".", "a//b", "a/", "a\0b", "x" * 256, "é" * 128, "a\ud800"])
def test_what_is_no_plain_relative_path_is_refused(root: Root, path: str) -> None:
    assert Code.BAD_REQUEST == code_of(lambda: files.look(root, path))


def test_links_that_stay_inside_are_followed_and_those_that_do_not_are_refused(root: Root, tmp_path: Path) -> None:
    top = folder(root)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_bytes(CANARY)
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "file").write_text("inside")
    (top / "up").symlink_to("a/b/../file")
    (top / "a" / "b" / "far").symlink_to("../../a/./file")
    (top / "dir").symlink_to("a/b/..")
    (top / "self").symlink_to(".")
    for path in ("up", "a/b/far", "dir/file", "dir/b/far", "self/self/up"):
        assert b"inside" == read(root, path)
    (top / "abs").symlink_to(tmp_path / "outside")
    (top / "rel").symlink_to("../../../outside")
    (top / "a" / "climb").symlink_to("../a/../../repo/a/file")
    (top / "absolute-inside").symlink_to(top / "a" / "file")
    for path in ("abs/canary", "rel/canary", "a/climb", "absolute-inside", "dir/climb"):
        with pytest.raises(Fault, match=OUTSIDE):
            read(root, path)
        with pytest.raises(Fault, match=OUTSIDE):
            write(root, path, b"x")
    with pytest.raises(Fault, match=OUTSIDE):
        tree(root, "abs")
    assert FileKind.LINK == files.look(root, "abs").kind
    assert str(tmp_path / "outside") == files.look(root, "abs").target
    assert "abs/canary" not in tree(root)
    assert CANARY == (tmp_path / "outside" / "canary").read_bytes()


def test_circles_of_links_end(root: Root) -> None:
    (folder(root) / "a").symlink_to("b")
    (folder(root) / "b").symlink_to("a")
    (folder(root) / "c").symlink_to("c/c/c")
    for path in ("a", "b/x", "c", "c/d"):
        assert Code.BAD_REQUEST == code_of(lambda path=path: read(root, path))  # type: ignore[misc]  # a default, bound now


def test_a_link_of_endless_dots_ends(root: Root) -> None:
    top = folder(root)
    deep = ["d"] * 60
    (top / "/".join(deep)).mkdir(parents=True)
    (top / "link").symlink_to("/".join(deep + ([".."] * 59 + ["d"] * 59) * 4))
    with pytest.raises(Fault, match="too long"):
        tree(root, "link")


def test_a_session_that_was_replaced_by_a_link_is_not_entered(root: Root, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "repo").mkdir(parents=True)
    (tmp_path / "elsewhere" / "repo" / "canary").write_bytes(CANARY)
    folder(root).rmdir()
    folder(root).symlink_to(tmp_path / "elsewhere" / "repo")
    assert Code.NOT_FOUND == code_of(lambda: read(root, "canary"))
    folder(root).unlink()
    (root.sessions / "s").rmdir()
    (root.sessions / "s").symlink_to(tmp_path / "elsewhere")
    assert Code.NOT_FOUND == code_of(lambda: read(root, "canary"))
    assert Code.NOT_FOUND == code_of(lambda: write(root, "canary", b"x"))
    assert CANARY == (tmp_path / "elsewhere" / "repo" / "canary").read_bytes()


def test_what_is_no_file_is_told_and_moved_and_deleted_and_never_opened(root: Root) -> None:
    top = folder(root)
    os.mkfifo(top / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(top)  # a Unix socket's path is short
        sock.bind("socket")
        os.chdir(here)
    began = time.monotonic()
    for name in ("fifo", "socket"):
        assert FileKind.OTHER == files.look(root, name).kind
        assert Code.CONFLICT == code_of(lambda name=name: read(root, name))  # type: ignore[misc]  # a default, bound now
        assert Code.CONFLICT == code_of(lambda name=name: write(root, name, b"x"))  # type: ignore[misc]  # as above
        files.move(root, name, name + "2", overwrite=False)
    (top / "link").symlink_to("fifo2")
    assert Code.CONFLICT == code_of(lambda: read(root, "link"))
    assert Code.CONFLICT == code_of(lambda: tree(root, "fifo2"))
    assert stat.S_ISFIFO((top / "fifo2").stat().st_mode)
    assert time.monotonic() - began < 5


def test_a_new_file_is_the_tenant_s_alone_and_an_old_one_keeps_its_mode(root: Root) -> None:
    top = folder(root)
    write(root, "new", b"x")
    assert 0o600 == stat.S_IMODE((top / "new").stat().st_mode)
    (top / "old").touch()
    (top / "old").chmod(0o6755)
    write(root, "old", b"x")
    assert 0o755 == stat.S_IMODE((top / "old").stat().st_mode)
    write(root, "old", b"x", executable=False)
    assert 0o644 == stat.S_IMODE((top / "old").stat().st_mode)
    write(root, "new", b"x", executable=True)
    assert 0o700 == stat.S_IMODE((top / "new").stat().st_mode)


def test_a_link_to_a_file_inside_is_written_through(root: Root) -> None:
    (folder(root) / "real").write_text("old")
    (folder(root) / "link").symlink_to("real")
    assert "real" == write(root, "link", b"new")[0].path
    assert (folder(root) / "link").is_symlink()
    assert "new" == (folder(root) / "real").read_text()


def test_writing_over_a_folder_is_refused(root: Root) -> None:
    (folder(root) / "d").mkdir()
    assert Code.CONFLICT == code_of(lambda: write(root, "d", b"x"))
    assert Code.BAD_REQUEST == code_of(lambda: write(root, "", b"x"))
    assert Code.NOT_FOUND == code_of(lambda: write(root, "no/f", b"x"))
    (folder(root) / "f").touch()
    assert Code.NOT_FOUND == code_of(lambda: write(root, "f/g", b"x", parents=True))
    with pytest.raises(Fault, match="the folder for it: No such file or directory; `parents` makes what is missing"):
        drafts.Place(root=root, path="no/f", match=None, absent=False, executable=None, parents=False).check()
    assert [] == list((root.sessions / "s" / "incoming").iterdir())


def test_what_is_git_s_own_is_read_and_not_written(root: Root) -> None:
    top = folder(root)
    (top / ".git" / "hooks").mkdir(parents=True)
    (top / ".git" / "config").write_text("[core]\n")
    (top / "g").symlink_to(".git")
    assert b"[core]\n" == read(root, ".git/config")
    for path in (".git/config", ".git/hooks/x", "g/config", "g/hooks/x"):
        assert Code.BAD_REQUEST == code_of(lambda path=path: write(root, path, b"x"))  # type: ignore[misc]  # bound now
    for one, two in ((".git", "x"), (".git/config", "x"), ("g/config", "x"), ("x", ".git/x"), ("x", "g/x")):
        assert Code.BAD_REQUEST == code_of(
            lambda one=one, two=two: files.move(root, one, two, overwrite=True)  # type: ignore[misc]  # bound now
        )
    assert Code.BAD_REQUEST == code_of(lambda: files.make_folder(root, ".git/new", parents=False))
    assert Code.BAD_REQUEST == code_of(lambda: files.make_folder(root, "g/new/er", parents=True))
    assert ["g"] == tree(root)


def test_moving_overwrites_only_when_it_is_said(root: Root) -> None:
    top = folder(root)
    (top / "a").write_text("a")
    (top / "b").write_text("b")
    (top / "empty").mkdir()
    (top / "full" / "x").mkdir(parents=True)
    assert Code.CONFLICT == code_of(lambda: files.move(root, "a", "b", overwrite=False))
    assert Code.CONFLICT == code_of(lambda: files.move(root, "full", "empty", overwrite=False))
    assert Code.CONFLICT == code_of(lambda: files.move(root, "empty", "full", overwrite=True))
    assert Code.BAD_REQUEST == code_of(lambda: files.move(root, "full", "full/x/y", overwrite=True))
    assert Code.NOT_FOUND == code_of(lambda: files.move(root, "none", "c", overwrite=True))
    assert "b" == (top / "b").read_text()
    files.move(root, "a", "b", overwrite=True)
    assert "a" == (top / "b").read_text()


def test_a_folder_of_100000_entries_is_listed_in_pages(root: Root) -> None:
    big = folder(root) / "big"
    big.mkdir()
    for number in range(100_000):
        os.close(os.open(big / f"{number:06}", os.O_CREAT, 0o600))
    began = time.monotonic()
    first = tree(root, "big", limit=500)
    last = tree(root, "big", limit=500, after="big/099990")
    assert time.monotonic() - began < 5
    assert ["big/000000", "big/000499"] == [first[0], first[-1]]
    assert [f"big/{number:06}" for number in range(99_991, 100_000)] == last
    assert ["big"] == tree(root, depth=1)


def test_a_folder_with_more_entries_than_are_looked_at_is_refused(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guest.files.listing.SCANNED_MAX", 3)
    for name in "abc":
        (folder(root) / name).touch()
    assert ["a", "b", "c"] == tree(root)
    (folder(root) / "d").touch()
    assert Code.TOO_LARGE == code_of(lambda: tree(root))


def test_what_is_too_deep_to_be_named_is_not_listed(root: Root) -> None:
    fd = os.open(folder(root), os.O_RDONLY)
    name = "n" * 250
    for _ in range(20):
        os.mkdir(name, dir_fd=fd)
        deeper = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(fd)
    found = tree(root)
    assert 16 == len(found)
    assert 16 * 251 - 1 == len(found[-1])
    assert [] == tree(root, found[-1])


def test_times_that_no_calendar_has_are_told_all_the_same(root: Root) -> None:
    (folder(root) / "f").touch()
    with suppress(OSError):
        os.utime(folder(root) / "f", (2**40, 2**40))
    assert files.look(root, "f").modified.endswith("Z")


SWAP = """
import contextlib, os
while True:
    for one, two in (("d", "spare"), ("link", "d"), ("d", "link"), ("spare", "d")):
        with contextlib.suppress(OSError):
            os.rename(one, two)
"""


@contextmanager
def swapping(top: Path, outside: Path) -> Iterator[None]:
    """A process that makes `d` a folder, and a link to `outside`, by turns."""
    (top / "link").symlink_to(outside)
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", SWAP], cwd=top)
    try:
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_whatever_is_swapped_meanwhile_nothing_outside_is_touched(root: Root, tmp_path: Path) -> None:
    top, outside = folder(root), tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(CANARY)
    (outside / "sub").mkdir()
    (top / "d" / "sub").mkdir(parents=True)
    (top / "d" / "f").write_bytes(b"inside")
    before = sorted(str(path) for path in outside.rglob("*"))
    pattern = searcher.compiled(wire.SearchFiles(session="s" + "0" * 24, text="canary"))
    inode = (outside / "f").stat().st_ino
    done: dict[str, int] = {}

    def attempt(name: str, call: Callable[[], object]) -> object:
        try:
            result = call()
        except Fault as fault:
            assert fault.code in {Code.NOT_FOUND, Code.BAD_REQUEST, Code.CONFLICT, Code.FAILED}, fault
            return None
        done[name] = done.get(name, 0) + 1
        return result

    with swapping(top, outside):
        for number in range(800):
            assert CANARY != attempt("read", lambda: read(root, "d/f"))
            attempt("write", lambda: write(root, "d/f", b"inside"))
            attempt("make", lambda: files.make_folder(root, f"d/sub/{number % 9}/x", parents=True))  # noqa: B023  # called now
            attempt("move", lambda: files.move(root, "d/f", "d/g", overwrite=True))
            attempt("back", lambda: files.move(root, "d/g", "d/f", overwrite=True))
            found = attempt("look", lambda: files.look(root, "d/f"))
            assert not isinstance(found, FileInfo) or found.size != len(CANARY)
            attempt("tree", lambda: tree(root, depth=3))
            items = searcher.search(root, pattern, 10, [b"d/f"]).items
            assert [] == items
            with suppress(Fault), paths.spot(root, "d/sub", follow=False) as spot:
                assert str(os.readlink(f"/proc/self/fd/{spot.folder}")).startswith(str(top))
    assert before == sorted(str(path) for path in outside.rglob("*"))
    assert (CANARY, inode) == ((outside / "f").read_bytes(), (outside / "f").stat().st_ino)
    assert all(done.get(name, 0) > 10 for name in ("read", "write", "look", "tree")), done


async def upload(client: Client, request: wire.WriteFile | wire.CreateAttachment, *chunks: bytes) -> object:
    await client.call(request)
    for chunk in chunks:
        await client.link.send(wire.Chunk(chunk))
    await client.link.send(wire.Sent())
    return await client.receive()


async def test_deleting_follows_no_link_while_a_thread_swaps(guest: Guest, tmp_path: Path) -> None:
    info = await guest.session()
    top, outside = guest.sessions / info.session / "repo", tmp_path / "outside"
    client = await guest.client()
    gone = 0
    outside.mkdir()
    (top / "d").mkdir()
    for name in ("f", "sub/deep/x"):
        (outside / name).parent.mkdir(parents=True, exist_ok=True)
        (outside / name).write_bytes(CANARY)
    with swapping(top, outside):
        for number in range(300):
            with suppress(OSError):
                (top / "d" / "sub").mkdir() if not (top / "d").is_symlink() else None
            path = ("d/f", "d/sub", "d/sub/deep")[number % 3]
            reply = await client.ask(wire.RemoveFile(session=info.session, path=path, recursive=True))
            gone += isinstance(reply, Done)
    assert [CANARY] * 2 == [(outside / name).read_bytes() for name in ("f", "sub/deep/x")]
    assert gone


async def test_a_big_tree_is_deleted(guest: Guest) -> None:
    info = await guest.session()
    top = guest.sessions / info.session / "repo"
    subprocess.run(
        ["bash", "-c", "mkdir -p d/{1..20}/{1..20}; touch d/{1..20}/{1..20}/{1..5}; chmod 0 d/7"], cwd=top, check=True
    )
    client = await guest.client()
    await client.call(wire.RemoveFile(session=info.session, path="d", recursive=True))
    assert [".git"] == os.listdir(top)
    assert [] == [name for name in os.listdir(guest.sessions) if name.startswith(".removed")]


async def test_a_write_is_seen_only_when_it_is_whole(guest: Guest) -> None:
    info = await guest.session()
    path = guest.sessions / info.session / "repo" / "f"
    client = await guest.client()
    await client.call(wire.WriteFile(session=info.session, path="f"))
    await client.link.send(wire.Chunk(b"half"))
    client.close()
    other = await guest.client()
    written = await upload(other, wire.WriteFile(session=info.session, path="f"), b"one ", b"two")
    assert isinstance(written, wire.FileWritten)
    assert (b"one two", True) == (path.read_bytes(), written.created)
    async with asyncio.timeout(10):
        while os.listdir(guest.sessions / info.session / "incoming"):
            await asyncio.sleep(0.01)


async def test_what_a_killed_guest_did_not_finish_is_removed(guest: Guest) -> None:
    info = await guest.session()
    client = await guest.client()
    await client.call(wire.WriteFile(session=info.session, path="f"))
    await client.link.send(wire.Chunk(b"half"))
    incoming = guest.sessions / info.session / "incoming"
    async with asyncio.timeout(10):
        while not any(path.stat().st_size for path in incoming.iterdir()):
            await asyncio.sleep(0.01)
    guest.kill()
    assert 1 == len(os.listdir(incoming))
    guest.start()
    await upload(await guest.client(), wire.WriteFile(session=info.session, path="f"), b"whole")
    assert [] == os.listdir(incoming)


async def test_a_full_quota_and_wrong_frames_end_an_upload(make_guest: MakeGuest) -> None:
    guest = make_guest(file_max=10)
    info = await guest.session()
    request = wire.WriteFile(session=info.session, path="f")
    assert isinstance(await upload(await guest.client(), request, b"x" * 10), wire.FileWritten)
    refused = await upload(await guest.client(), request, b"y" * 10, b"y")
    assert isinstance(refused, Failure)
    assert Code.TOO_LARGE == refused.code
    with pytest.raises(Fault, match="too_large"):
        await (await guest.client()).call(wire.WriteFile(session=info.session, path="f", size=11))
    client = await guest.client()
    await client.call(request)
    await client.link.send(wire.Take(offset=0, length=1))
    assert Code.BAD_REQUEST == (await client.expect_failure()).code
    assert b"x" * 10 == (guest.sessions / info.session / "repo" / "f").read_bytes()


async def test_a_disk_that_takes_no_more_changes_nothing(guest: Guest) -> None:
    info = await guest.session()
    request = wire.WriteFile(session=info.session, path="f")
    assert isinstance(await upload(await guest.client(), request, b"old"), wire.FileWritten)
    resource.prlimit(guest.pid, resource.RLIMIT_FSIZE, (65_536, 65_536))
    failure = await upload(await guest.client(), request, b"x" * 60_000, b"x" * 60_000)
    assert isinstance(failure, Failure)
    assert Code.FAILED == failure.code
    assert b"old" == (guest.sessions / info.session / "repo" / "f").read_bytes()
    assert [] == os.listdir(guest.sessions / info.session / "incoming")


async def test_a_reader_that_stops_does_not_stop_the_guest(guest: Guest) -> None:
    info = await guest.session()
    (guest.sessions / info.session / "repo" / "f").write_bytes(b"x" * 50_000_000)
    slow = await guest.client()
    await slow.call(wire.ReadFile(session=info.session, path="f"))
    await slow.link.send(wire.Take(offset=0, length=50_000_000))
    assert isinstance(await slow.receive(), wire.Chunk)
    before = guest.memory()
    other = await guest.client()
    for _ in range(20):
        await other.call(wire.GetFile(session=info.session, path="f"))
    assert guest.memory() - before < 8_000_000


async def test_a_shrinking_file_ends_a_read_with_a_fault(guest: Guest) -> None:
    info = await guest.session()
    path = guest.sessions / info.session / "repo" / "f"
    path.write_bytes(b"x" * 1000)
    client = await guest.client()
    opened = await client.call(wire.ReadFile(session=info.session, path="f"))
    assert (1000, True) == (opened.size, opened.text)
    path.write_bytes(b"")
    await client.link.send(wire.Take(offset=0, length=1000))
    assert Code.FAILED == (await client.expect_failure()).code


async def test_a_search_ends_with_its_caller_and_a_terrible_pattern_with_its_deadline(guest: Guest) -> None:
    info = await guest.session()
    (guest.sessions / info.session / "repo" / "f").write_text("a" * 60 + "\n")
    client = await guest.client()
    await client.call(wire.SearchFiles(session=info.session, text="(a|a)*b", regex=True))
    children = Path(f"/proc/{guest.pid}/task/{guest.pid}/children")

    def searching() -> bool:
        pids = children.read_text().split()
        return any(b"guest.files.searcher" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)

    async with asyncio.timeout(15):
        while not searching():
            await asyncio.sleep(0.01)
        client.close()
        while searching():
            await asyncio.sleep(0.01)


async def test_a_flood_of_searches_waits_in_turn_or_is_refused_and_takes_no_more_memory(guest: Guest) -> None:
    info = await guest.session()
    top = guest.sessions / info.session / "repo"
    (top / "f").write_text("a" * 60 + "\n")
    before = guest.memory()
    clients = [await guest.client() for _ in range(search.AT_ONCE + search.WAITING + 3)]
    answers = []
    for client in clients:
        await client.call(wire.SearchFiles(session=info.session, text="(a|a)*b", regex=True))
        answers.append(asyncio.create_task(client.receive()))
    refused: set[asyncio.Task[Message | None]] = set()
    while len(refused) < len(clients) - search.AT_ONCE - search.WAITING:
        refused, _ = await asyncio.wait({*answers}, return_when=asyncio.FIRST_COMPLETED)
    for task in refused:
        failure = task.result()
        assert isinstance(failure, Failure)
        assert Code.BUSY is failure.code
    children = Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text().split()
    assert len(children) <= search.AT_ONCE
    assert guest.memory() - before < 32_000_000
    for task, client in zip(answers, clients, strict=True):
        task.cancel()
        client.close()
    await asyncio.gather(*answers, return_exceptions=True)
    client = await guest.client()
    await client.call(wire.SearchFiles(session=info.session, text="aaa"))
    assert ["f"] == [match.path for match in (await client.expect(wire.Found)).items]


async def test_a_search_follows_no_link_and_opens_no_fifo(guest: Guest, tmp_path: Path) -> None:
    info = await guest.session()
    top = guest.sessions / info.session / "repo"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "f").write_bytes(CANARY)
    (top / "d").mkdir()
    (top / "d" / "f").write_text("canary inside")
    subprocess.run(["git", "add", "."], cwd=top, check=True)
    client = await guest.client()
    request = wire.SearchFiles(session=info.session, text="canary", ignored=True)
    await client.call(request)
    assert ["canary inside"] == [match.text for match in (await client.expect(wire.Found)).items]
    (top / "d").rename(tmp_path / "gone")
    (top / "d").symlink_to(tmp_path / "out")
    (top / "link").symlink_to(tmp_path / "out" / "f")
    os.mkfifo(top / "fifo")
    client = await guest.client()
    await client.call(request)
    assert [] == (await client.expect(wire.Found)).items
