"""All files of a home at once: whatever is in it, made by the tenant itself, at the pace of whoever takes it."""

import asyncio
import io
import json
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest
import zstandard
from aiohttp import ClientError

from shared.guestwire.export import REPORT
from tests.api.rooms import Room, Rooms


def unpacked(data: bytes, folder: Path) -> Path:
    """By the tar that people have."""
    folder.mkdir()
    archive = folder.parent / f"{folder.name}.tar.zst"
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    archive.write_bytes(plain)
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return folder


async def export(room: Room) -> bytes:
    async with room.rooms.http.get(f"{room.base}/export", headers=room.headers) as reply:
        assert (200, "application/zstd") == (reply.status, reply.content_type), await reply.text()
        assert f'filename="{room.workspace}-' in reply.headers["Content-Disposition"]
        return await reply.read()


@pytest.fixture
def home(rooms: Rooms, room: Room) -> Path:
    made = rooms.folder / room.workspace
    made.mkdir(exist_ok=True)
    return made


async def test_a_home_comes_back_as_it_was(room: Room, home: Path, tmp_path: Path) -> None:
    session = await room.session()
    (home / "vibecoder_workspace/sessions" / session / "note.txt").write_text("hello")
    (home / ".dot").mkdir(mode=0o750)
    (home / ".dot/script").write_text("#!/bin/sh\n")
    (home / ".dot/script").chmod(0o4755)
    os.utime(home / ".dot/script", ns=(10**18 + 1, 10**18 + 123_456_789))
    (home / "empty").write_bytes(b"")
    (home / "twin").hardlink_to(home / ".dot/script")
    (home / "large").write_bytes(os.urandom(3_000_000))
    found = unpacked(await export(room), tmp_path / "out")
    inner = found / room.workspace
    assert "hello" == (inner / "vibecoder_workspace/sessions" / session / "note.txt").read_text()
    assert 0o750 == (inner / ".dot").stat().st_mode & 0o7777
    # Nothing that root unpacks runs as its owner.
    assert 0o755 == (inner / ".dot/script").stat().st_mode & 0o7777
    assert abs(10**18 + 123_456_789 - (inner / ".dot/script").stat().st_mtime_ns) < 1000
    assert (inner / "twin").samefile(inner / ".dot/script")
    assert (home / "large").read_bytes() == (inner / "large").read_bytes()
    report = json.loads((found / REPORT).read_text())
    assert (room.workspace, 0) == (report["workspace"], report["skippedTotal"]), report


def fill(home: Path) -> None:
    """With what has broken archivers."""
    (home / "out").symlink_to("/etc")
    (home / "passwd").symlink_to("../../../../etc/passwd")
    (home / "loop").symlink_to("loop")
    os.mkfifo(home / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "s"))
    bytes_name = os.fsencode(home) + b"/bad-\xff-\n-name"
    Path(os.fsdecode(bytes_name)).write_text("bytes")
    with (home / "holes").open("wb") as file:
        file.truncate(2**40)
        file.seek(2**39)
        file.write(b"island")
        file.seek(2**40 - 3)
        file.write(b"end")
    (home / "nothing").touch()
    os.truncate(home / "nothing", 2**41)
    deep = home
    while len(str(deep)) < 3800:
        deep = deep / ("d" * 200)
        deep.mkdir()
    (deep / "leaf").write_text("deep")


async def test_a_hostile_home_is_archived_without_harm(room: Room, home: Path, tmp_path: Path) -> None:
    fill(home)
    data = await asyncio.wait_for(export(room), 60)
    assert len(data) < 1_000_000
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    archive = tmp_path / "a.tar"
    archive.write_bytes(plain)
    with tarfile.open(archive) as tar:
        members = {member.name.removeprefix(f"{room.workspace}/"): member for member in tar.getmembers()}
        assert (tarfile.SYMTYPE, "/etc") == (members["out"].type, members["out"].linkname)
        assert (tarfile.SYMTYPE, "loop") == (members["loop"].type, members["loop"].linkname)
        assert not [name for name in members if name.startswith("out/")]
        assert {"fifo", "s"}.isdisjoint(members)
        assert any(name.endswith("/leaf") and len(name) > 3500 for name in members)
        assert os.fsdecode(b"bad-\xff-\n-name") in members
        assert (2**40, 2**41) == (members["holes"].size, members["nothing"].size)
        content = tar.extractfile(members["holes"])
        assert content is not None
        content.seek(2**39)
        assert b"island\0" == content.read(7)
        content.seek(2**40 - 3)
        assert b"end" == content.read()
        told = tar.extractfile(REPORT)
        assert told is not None
        report = json.load(told)
    assert {"fifo", "s"} <= {skipped["path"] for skipped in report["skipped"]}
    (tmp_path / "real").mkdir()
    names = [f"{room.workspace}/holes", f"{room.workspace}/nothing"]
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path / "real", *names], check=True)
    holes = tmp_path / "real" / room.workspace / "holes"
    assert (2**40, True) == (holes.stat().st_size, holes.stat().st_blocks < 1000)
    with holes.open("rb") as file:
        file.seek(2**39)
        assert b"island\0" == file.read(7)


async def test_files_that_change_meanwhile_are_told(room: Room, home: Path, tmp_path: Path) -> None:
    growing = home / "growing"
    growing.write_bytes(os.urandom(4_000_000))
    writer = subprocess.Popen(["sh", "-c", f"while :; do echo more >> '{growing}'; done"])
    shrinking = subprocess.Popen(
        ["sh", "-c", f"while :; do head -c 3000000 /dev/urandom > '{home}/shrinking'; : > '{home}/shrinking'; done"]
    )
    try:
        for number in range(3):
            found = unpacked(await export(room), tmp_path / f"out{number}")
            report = json.loads((found / REPORT).read_text())
            assert "growing" in {skipped["path"] for skipped in report["skipped"]}
    finally:
        writer.kill()
        shrinking.kill()
        writer.wait()
        shrinking.wait()


async def test_credentials_that_hostel_put_there_are_left_out(room: Room, home: Path, tmp_path: Path) -> None:
    (home / ".hostel/agents").mkdir(parents=True)
    (home / ".claude").mkdir()
    made = {".claude/.credentials.json": {"source": 1, "identity": [1, 2, 3]}}
    (home / ".hostel/agents/made.json").write_text(json.dumps(made))
    for path in (".claude/.credentials.json", "vibecoder_workspace/providers.json"):
        (home / path).parent.mkdir(exist_ok=True)
        (home / path).write_text("SENTINEL")
    (home / ".claude/history.jsonl").write_text("{}")
    found = unpacked(await export(room), tmp_path / "out")
    assert (found / room.workspace / ".claude/history.jsonl").exists()
    assert "" == subprocess.run(["grep", "-r", "SENTINEL", found], capture_output=True, text=True, check=False).stdout
    assert ".claude/.credentials.json" in json.loads((found / REPORT).read_text())["leftOut"]


def exporters(home: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"guest.export" in (process / "cmdline").read_bytes() and home == (process / "cwd").readlink():
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_one_that_nobody_takes_waits_and_ends_when_the_client_leaves(room: Room, home: Path) -> None:
    (home / "large").write_bytes(os.urandom(60_000_000))
    async with room.rooms.http.get(f"{room.base}/export", headers=room.headers) as reply:
        await reply.content.readany()
        assert 1 == len(exporters(home))
        async with room.rooms.http.get(f"{room.base}/export", headers=room.headers) as second:
            assert (409, "busy") == (second.status, (await second.json())["code"])
        # Nothing is read ahead: the process stands still.
        (pid,) = exporters(home)
        reply.close()
    async with asyncio.timeout(20):
        while exporters(home):
            await asyncio.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
    assert len(await export(room)) > 60_000_000


async def test_an_archive_that_broke_off_is_no_archive(room: Room, home: Path) -> None:
    (home / "large").write_bytes(os.urandom(60_000_000))
    with pytest.raises(ClientError):
        async with room.rooms.http.get(f"{room.base}/export", headers=room.headers) as reply:
            await reply.content.readany()
            for pid in exporters(home):
                os.kill(pid, 9)
            await reply.read()


async def test_a_sign_out_cuts_it_off(room: Room, home: Path) -> None:
    (home / "large").write_bytes(os.urandom(60_000_000))
    with pytest.raises(ClientError):
        async with room.rooms.http.get(f"{room.base}/export", headers=room.headers) as reply:
            await reply.content.readany()
            await room.call("POST", "/api/logout", status=200)
            await reply.read()
    async with asyncio.timeout(20):
        while exporters(home):
            await asyncio.sleep(0.02)
    async with room.rooms.http.get(f"{room.base}/export", headers=room.headers) as reply:
        assert 401 == reply.status


async def test_a_head_starts_nothing(room: Room, home: Path) -> None:
    async with room.rooms.http.head(f"{room.base}/export", headers=room.headers) as reply:
        assert (200, "application/zstd") == (reply.status, reply.content_type)
    assert [] == exporters(home)
