import asyncio

import pytest

from guest.bulkhead import Bulkhead
from guest.connections import CALLS_MAX
from guest.verbs import COSTLY_AT_ONCE, COSTLY_WAITING
from shared.errors import Code, Fault
from shared.files import FileInfo
from shared.guestwire.files import GetFile
from shared.guestwire.repos import GetStatus
from shared.messages import Failure
from tests.guest.harness import Guest, git


class Work:
    """Work that lasts until it is let go."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead
        self.go = asyncio.Event()
        self.running = 0
        self.most = 0

    async def do(self) -> None:
        async with self._bulkhead.slot():
            self.running += 1
            self.most = max(self.most, self.running)
            await self.go.wait()
            self.running -= 1


async def test_so_many_are_done_at_once_and_who_would_wait_too_far_back_is_refused() -> None:
    work = Work(Bulkhead(2, 3))
    tasks = [asyncio.create_task(work.do()) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Fault, match="try again") as raised:
        await work.do()
    assert (Code.BUSY, 2) == (raised.value.code, work.running)
    work.go.set()
    await asyncio.gather(*tasks)
    assert 2 == work.most
    await work.do()


async def test_one_who_leaves_or_fails_makes_room() -> None:
    work = Work(Bulkhead(1, 1))
    tasks = [asyncio.create_task(work.do()) for _ in range(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    work.go.set()
    await asyncio.gather(work.do(), work.do())


async def test_many_looks_at_a_repository_leave_room_for_other_calls_of_their_connection(guest: Guest) -> None:
    assert COSTLY_AT_ONCE + COSTLY_WAITING < CALLS_MAX
    session = (await guest.session()).session
    repo = guest.sessions / session / "repo"
    (repo / "file").write_text("one\n")
    git("add", "file", cwd=repo)
    git("config", "filter.slow.clean", "sleep 60", cwd=repo)
    (repo / ".gitattributes").write_text("* filter=slow\n")
    (repo / "file").write_text("two\n")
    client = await guest.client()
    places, over = COSTLY_AT_ONCE + COSTLY_WAITING, 3
    for number in range(1, places + over + 1):
        await client.link.send(GetStatus(id=number, session=session))
    await client.link.send(GetFile(id=places + over + 1, session=session, path="file"))
    answers = [await client.receive() for _ in range(over + 1)]
    refused = [answer for answer in answers if isinstance(answer, Failure)]
    assert over * [Code.BUSY] == [answer.code for answer in refused]
    assert ["file"] == [answer.path for answer in answers if isinstance(answer, FileInfo)]
