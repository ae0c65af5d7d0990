"""Viewers who only read: they see all, and nothing that they do reaches the program."""

import asyncio

import pytest

from guest.terminals.terminals import VIEWERS_MAX
from shared.errors import Code, Fault
from shared.guestwire.terminals import Attached, GetTerminal, Input, Output, Resize, Viewers
from shared.messages import Message
from tests.guest.harness import Guest


@pytest.mark.parametrize("message", [Input(b"x"), Resize(10, 10)], ids=["input", "resize"])
async def test_who_only_reads_is_cut_off_for_anything_else_and_changes_nothing(guest: Guest, message: Message) -> None:
    terminal = (await guest.terminal("/bin/cat", columns=100, rows=40)).terminal
    typing, reading = await guest.attach(terminal), await guest.attach(terminal, read_only=True)
    await reading.link.send(message)
    assert Code.BAD_REQUEST == (await reading.expect_failure()).code
    await typing.until_viewers(Viewers(1, 100, 40))
    await typing.type(b"y\n")
    assert b"y\r\ny\r\n" == await typing.until(b"y\r\ny\r\n")


async def test_who_only_reads_stops_no_program_and_goes_on_with_what_is_kept(guest: Guest) -> None:
    terminal = (await guest.terminal("/bin/sh", "-c", "read x; exec yes")).terminal
    reading, typing = await guest.attach(terminal, read_only=True), await guest.attach(terminal)
    await typing.type(b"\n")
    typing.close()
    client = await guest.client()
    async with asyncio.timeout(30):
        while (await client.call(GetTerminal(terminal=terminal))).seq < 20_000_000:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        while not isinstance(message := await reading.receive(), Attached):
            assert isinstance(message, Output | Viewers)
    assert message.seq > reading.seq
    while not isinstance(output := await reading.receive(), Output):
        assert isinstance(output, Viewers | Attached)
    assert output.seq >= message.seq


async def test_who_reads_and_who_types_keep_each_other_out_of_no_terminal(guest: Guest) -> None:
    terminal = (await guest.terminal("/bin/cat")).terminal
    for _ in range(VIEWERS_MAX):
        await guest.attach(terminal, read_only=True)
    with pytest.raises(Fault, match=f"{VIEWERS_MAX} viewers"):
        await guest.attach(terminal, read_only=True)
    typing = await guest.attach(terminal)
    await typing.type(b"y\n")
    await typing.until(b"y\r\ny\r\n")
