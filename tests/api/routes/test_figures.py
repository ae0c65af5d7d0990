import asyncio
from pathlib import Path

from msgspec import structs

from shared.config import Guests
from shared.guestwire.figures import Figures
from shared.link import Link
from tests.api.peers import requests, welcome
from tests.api.rooms import Room, Rooms, serving_rooms

FIGURES = Figures(
    processes=3,
    threads=9,
    memory=1_000_000,
    cpu=1.25,
    partial=False,
    processes_limit=4096,
    open_files_limit=None,
    terminals=1,
    turns=0,
    disk=None,
    disk_limit=None,
    disk_total=10**12,
    disk_free=10**11,
)


async def test_of_a_workspace_that_does_not_run_nothing_is_told_and_nothing_is_started(rooms: Rooms, room: Room) -> None:
    found = await room.call("GET", f"{room.base}/figures", status=200)
    assert (False, 0, 0, 0, None, None) == tuple(
        found[name] for name in ("running", "processes", "memory", "terminals", "processesLimit", "diskFree")
    )
    assert {} == rooms.guests


async def test_what_runs_is_told(room: Room) -> None:
    session = await room.session()
    await room.terminal(session, "sleep", "1000")
    found = await room.call("GET", f"{room.base}/figures", status=200)
    assert (True, 1, 0) == (found["running"], found["terminals"], found["turns"])
    assert found["processes"] >= 2
    assert found["memory"] > 0


async def test_each_figure_of_the_guest_is_shown(rooms: Rooms) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            await link.send(structs.replace(FIGURES, id=request.id))

    room = await rooms.hostile(talk)
    found = await room.call("GET", f"{room.base}/figures", status=200)
    shown = {"running", "openFilesLimit", "processesLimit", "diskLimit", "diskTotal", "diskFree"}
    assert found.keys() == shown | {name for name in structs.asdict(FIGURES) if "_" not in name} - {"id"}
    assert (4096, None, 1.25, 10**11) == tuple(found[name] for name in ("processesLimit", "openFilesLimit", "cpu", "diskFree"))


async def test_a_guest_that_is_stopped_or_lies_is_not_waited_for_long(rooms: Rooms) -> None:
    async def silent(link: Link) -> None:
        await welcome(link)
        async for _ in requests(link):
            pass

    async def lying(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            await link.send(structs.replace(FIGURES, id=request.id, memory=-1))

    async with asyncio.timeout(5):
        room = await rooms.hostile(silent)
        await room.call("GET", f"{room.base}/figures", status=504)
    room = await rooms.hostile(lying)
    await room.call("GET", f"{room.base}/figures", status=502)


async def test_a_page_that_asks_again_and_again_does_not_keep_the_guest(tmp_path: Path) -> None:
    async with serving_rooms(tmp_path, Guests(idle_timeout=0.5)) as rooms:
        room = await rooms.room()
        await room.session()
        async with asyncio.timeout(20):
            while (await room.call("GET", f"{room.base}/figures", status=200))["running"]:
                await asyncio.sleep(0.05)
