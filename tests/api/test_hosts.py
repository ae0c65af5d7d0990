import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from api.hosts import Hosts
from shared.config import Config
from shared.errors import Code, Fault
from shared.frames import HOST_FRAME_MAX
from shared.hostwire import HOST, EnterWorkspace, HostStatus, ShowWorkspace, Status, WorkspaceInfo, WorkspaceState
from shared.ids import new_workspace_id
from shared.link import Link
from shared.messages import Access, Done, Failure
from tests.api.peers import Conversation, Hostd, guest, requests, serving, welcome


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    made = Hosts(Config(run=str(tmp_path)))
    yield made
    await made.close()


def hostd(folder: Path, talk: Conversation) -> AbstractAsyncContextManager[None]:
    return serving(folder / "hostd.sock", HOST.request_decoder, HOST_FRAME_MAX, talk)


async def code_of(call: Awaitable[object]) -> Code:
    with pytest.raises(Fault) as caught:
        await call
    return caught.value.code


def test_every_verb_that_api_may_call_has_a_method_of_its_name_and_reply() -> None:
    mine = {verb.name: verb.reply for verb in HOST.verbs.values() if verb.access is Access.API}
    found = {name: get_type_hints(getattr(Hosts, name))["return"] for name in mine}
    assert mine == {name: (get_args(kind) or (kind,))[0] for name, kind in found.items()}
    methods = {name for name, value in vars(Hosts).items() if callable(value) and not name.startswith("_")}
    assert {*mine, "close"} == methods


async def test_without_hostd_calls_say_that_it_cannot_be_reached_and_with_it_they_work(tmp_path: Path, hosts: Hosts) -> None:
    assert await code_of(hosts.status()) == Code.UNAVAILABLE

    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            await link.send(Failure(id=request.id, code=Code.INTERNAL, message="no"))

    for _ in range(2):
        async with hostd(tmp_path, talk):
            assert await code_of(hosts.status()) == Code.INTERNAL
        assert await code_of(hosts.status()) == Code.UNAVAILABLE


async def test_calls_share_one_connection_and_are_answered_in_any_order(tmp_path: Path, hosts: Hosts) -> None:
    links = []

    async def talk(link: Link) -> None:
        links.append(link)
        await welcome(link)
        first = None
        async for request in requests(link):
            if first is None:
                first = request
                continue
            for asked in (request, first):
                assert isinstance(asked, ShowWorkspace)
                info = WorkspaceInfo(
                    id=asked.id,
                    workspace=asked.workspace,
                    uid=200_000,
                    state=WorkspaceState.READY,
                    created="",
                    running=False,
                    processes=0,
                )
                await link.send(info)

    async with hostd(tmp_path, talk):
        ids = [new_workspace_id(), new_workspace_id()]
        infos = await asyncio.gather(*(hosts.show_workspace(workspace) for workspace in ids))
        assert ids == [info.workspace for info in infos]
    assert len(links) == 1


async def test_a_hostd_that_breaks_the_protocol_is_an_internal_error_and_is_connected_to_again(
    tmp_path: Path, hosts: Hosts
) -> None:
    answers = iter([Done, HostStatus])

    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            assert isinstance(request, Status)
            if next(answers) is Done:
                await link.send(Done(id=request.id))
            else:
                status = HostStatus(
                    id=request.id,
                    version="1",
                    started="",
                    pid=1,
                    workspaces=0,
                    running=0,
                    uids_left=1,
                    cgroups="none",
                    layers=[],
                )
                await link.send(status)

    async with hostd(tmp_path, talk):
        assert await code_of(hosts.status()) == Code.INTERNAL
        assert (await hosts.status()).pid == 1


async def test_entering_gives_a_connection_to_the_guest(tmp_path: Path, hosts: Hosts) -> None:
    fake, workspace = Hostd(tmp_path), new_workspace_id()

    async def talk(link: Link) -> None:
        await welcome(link)

    async with fake.running(), guest(tmp_path / "guest.sock", talk):
        assert await code_of(hosts.enter_workspace(workspace, start=False)) == Code.NOT_RUNNING
        fake.guests[workspace] = tmp_path / "guest.sock"
        _, sock = await hosts.enter_workspace(workspace, start=True)
        with sock:
            assert sock.family == socket.AF_UNIX
            assert str(tmp_path / "guest.sock") == sock.getpeername()
    assert [request.start for request in fake.entered] == [False, True]
    assert all(isinstance(request, EnterWorkspace) for request in fake.entered)


async def test_a_backlog_that_is_full_is_no_reason_to_wait(tmp_path: Path, hosts: Hosts) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(str(tmp_path / "hostd.sock"))
        listener.listen(0)
        waiting.connect(str(tmp_path / "hostd.sock"))
        assert await code_of(hosts.status()) == Code.UNAVAILABLE
