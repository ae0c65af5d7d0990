"""Channels: numbers without gaps, readers that miss nothing, and nothing that leaves its workspace."""

import asyncio
from pathlib import Path

import pytest

from api.auth import Target
from api.channels import BODY_MAX, Channel, Channels
from shared.errors import Code, Fault
from shared.ids import new_channel_id
from shared.settings import Channels as Settings
from shared.settings import Limits
from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving


class Talk:
    """A channel of a workspace."""

    def __init__(self, server: Server, workspace: str, channel: Channel) -> None:
        self.channels: Channels = server.services.channels
        self.workspace = workspace
        self.id = channel.id

    async def send(self, text: str = "x", once: str = "") -> int:
        target = Target(self.workspace)
        message = await self.channels.send(target, self.id, author="a", name="n", text=text, once=once)
        return message.number

    async def texts(self, after: int = 0, limit: int = 100) -> list[str]:
        page = await self.channels.read(self.workspace, self.id, after, limit)
        return [message.body.decode() for message in page.items]


async def talking(server: Server, name: str = "talk") -> Talk:
    workspace, _ = await server.create()
    channel = await server.services.channels.create(new_channel_id(), workspace, name, "")
    return Talk(server, workspace, channel)


async def test_messages_sent_at_once_have_each_number_once(server: Server) -> None:
    talk = await talking(server)
    numbers = await asyncio.gather(*(talk.send(str(number)) for number in range(100)))
    assert list(range(1, 101)) == sorted(numbers)
    page = await talk.channels.read(talk.workspace, talk.id, 0, 500)
    assert list(range(1, 101)) == [message.number for message in page.items]
    assert {str(number) for number in range(100)} == {message.body.decode() for message in page.items}


async def test_a_repeated_sending_sends_once(server: Server) -> None:
    talk = await talking(server)
    assert [1, 1, 2] == [await talk.send("a", "one"), await talk.send("a", "one"), await talk.send("a", "two")]
    assert ["a", "a"] == await talk.texts()


async def test_a_message_has_its_limit_in_bytes(server: Server) -> None:
    talk = await talking(server)
    await talk.send("ä" * (BODY_MAX // 2))
    with pytest.raises(Fault) as refused:
        await talk.send("ä" * (BODY_MAX // 2) + "x")
    assert Code.TOO_LARGE is refused.value.code
    assert 1 == len(await talk.texts())


async def test_only_the_newest_are_kept_and_numbers_go_on(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, channels=Settings(messages=3)) as server:
        talk = await talking(server)
        for number in range(5):
            await talk.send(str(number))
        page = await talk.channels.read(talk.workspace, talk.id, 0, 10)
        assert ([3, 4, 5], 3, 5) == ([message.number for message in page.items], page.first, page.last)


async def test_numbers_go_on_over_a_restart(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host) as server:
        talk = await talking(server)
        await talk.send("a")
    async with serving(tmp_path, host) as server:
        talk.channels = server.services.channels
        assert 2 == await talk.send("b")
        assert ["a", "b"] == await talk.texts()


async def test_whoever_waits_is_woken_by_the_next_message_and_by_no_other_channel(server: Server) -> None:
    talk, other = await talking(server), await talking(server)
    await talk.send()
    waiting = [asyncio.create_task(talk.channels.wait_beyond(talk.workspace, talk.id, 1)) for _ in range(50)]
    await talk.channels.wait_beyond(talk.workspace, talk.id, 0)  # there is one already
    await other.send()
    await other.channels.wait_beyond(other.workspace, other.id, 0)
    assert not any(task.done() for task in waiting)
    await talk.send()
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)


async def test_whoever_waits_learns_that_the_channel_is_gone(server: Server) -> None:
    talk = await talking(server)
    waiting = asyncio.create_task(talk.channels.wait_beyond(talk.workspace, talk.id, 0))
    await asyncio.sleep(0)
    await talk.channels.delete(talk.workspace, talk.id)
    async with asyncio.timeout(10):
        with pytest.raises(Fault) as refused:
            await waiting
    assert Code.NOT_FOUND is refused.value.code


async def test_a_channel_is_found_in_its_own_workspace_alone(server: Server) -> None:
    talk, other = await talking(server), await talking(server)
    channels, stranger = talk.channels, other.workspace
    attempts = (
        channels.get(stranger, talk.id),
        channels.read(stranger, talk.id, 0, 1),
        channels.change(stranger, talk.id, topic="x"),
        channels.send(Target(stranger), talk.id, author="a", name="n", text="x"),
        channels.wait_beyond(stranger, talk.id, 0),
        channels.delete(stranger, talk.id),
    )
    for attempt in attempts:
        with pytest.raises(Fault) as refused:
            await attempt
        assert Code.NOT_FOUND is refused.value.code
    assert 0 == (await channels.get(talk.workspace, talk.id)).last


async def test_a_name_is_free_once_and_their_number_has_a_limit(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, limits=Limits(channels=2)) as server:
        talk = await talking(server, "a")
        second = await talk.channels.create(new_channel_id(), talk.workspace, "b", "")
        for name, code in (("a", Code.LIMIT), ("c", Code.LIMIT)):
            with pytest.raises(Fault) as refused:
                await talk.channels.create(new_channel_id(), talk.workspace, name, "")
            assert code is refused.value.code
        with pytest.raises(Fault) as refused:
            await talk.channels.change(talk.workspace, second.id, name="a")
        assert Code.CONFLICT is refused.value.code
        await talk.channels.delete(talk.workspace, second.id)
        with pytest.raises(Fault) as refused:
            await talk.channels.create(new_channel_id(), talk.workspace, "a", "")
        assert Code.CONFLICT is refused.value.code
        await talk.channels.create(new_channel_id(), talk.workspace, "c", "")


async def test_a_channel_goes_with_its_workspace(server: Server) -> None:
    talk = await talking(server)
    await talk.send()
    await server.services.workspaces.remove(talk.workspace)
    with pytest.raises(Fault):
        await talk.texts()
