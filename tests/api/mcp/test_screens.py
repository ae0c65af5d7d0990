"""Screens drawn from a tenant's bytes, however hostile."""

import asyncio
import random
import time

import pytest

from api.mcp.screens import BUDGET, BYTES_MAX, SIZE_MAX, Screens, draw, plain


def test_a_screen_shows_what_a_terminal_would() -> None:
    screen = draw("größer\r\n\x1b[1;3HXX\x1b[5;1Hend  ".encode(), 20, 6, time.monotonic)
    assert (["grXXer", "", "", "", "end"], (5, 6), True) == (screen.lines, screen.cursor, screen.whole)


def test_a_letter_that_is_cut_in_two_is_drawn_whole() -> None:
    text = "ö" * 200
    assert text == "".join(draw(text.encode(), 80, 10, time.monotonic).lines)


def test_a_screen_is_drawn_no_larger_than_it_may_be() -> None:
    screen = draw(b"x" * 400 + b"\r\n" * 500 + b"y", 1000, 500, time.monotonic)
    assert (SIZE_MAX[1], max(map(len, screen.lines)) <= SIZE_MAX[0]) == (len(screen.lines), True)


@pytest.mark.parametrize(
    "nasty",
    [
        b"\x1b#8",
        b"\x1b[2J" + b"x" * 60,
        b"x\x1b[9999@",
        b"\x1b[9999L",
        b"\x1b[9999P",
        b"\x1b[?1A\x1b[?6n\x1b[?1;2H",
        b"\x1b[999999999999999999999999m",
        b"\x1b]0;",
        b"\x1b[1;",
        b"\x1b",
    ],
)
def test_nothing_that_is_printed_takes_long_or_breaks_the_drawing(monkeypatch: pytest.MonkeyPatch, nasty: bytes) -> None:
    monkeypatch.setattr("api.mcp.screens.BUDGET", 0.2)
    output = b"\x1b[H" + b"z" * 36_000 + nasty * (BYTES_MAX // len(nasty))
    started = time.process_time()  # others may be busy too
    draw(output[:BYTES_MAX], 1000, 500, time.process_time)
    plain(output)
    assert time.process_time() - started < 1


async def test_a_workspace_that_wants_many_screens_delays_others_by_one() -> None:
    screens, drawn = Screens(), list[str]()

    async def want(workspace: str) -> None:
        await screens.draw(workspace, b"x", 80, 24)
        drawn.append(workspace)

    async with asyncio.TaskGroup() as group:
        for workspace in (*["greedy"] * 20, "modest"):
            group.create_task(want(workspace))
    assert (21, True) == (len(drawn), drawn.index("modest") <= 2)


def test_noise_is_drawn() -> None:
    for seed in range(20):
        noise = random.Random(seed).randbytes(2000)
        draw(b"\x1b[" + noise.replace(b"\x00", b"\x1b["), 80, 24, time.monotonic)
        plain(noise)


def test_a_drawing_that_is_not_done_in_time_says_so() -> None:
    ticks = iter([0.0, 0.0, BUDGET / 2, BUDGET])
    screen = draw(b"a" * 500, 80, 24, lambda: next(ticks))
    assert (["a" * 80, "a" * 48], False) == (screen.lines, screen.whole)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"10%\r20%\r100%\r\n", "100%\n"),
        (b"\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b]8;;x\x1b\\link", "redlink"),
        (b"\x1b(B\x1b=\x07\x08tab\there\x00", "tab\there"),
        (b"\xff\xc3", "\N{REPLACEMENT CHARACTER}" * 2),
        (b"cut\x1b[3", "cut"),
    ],
)
def test_output_is_told_as_lines(output: bytes, text: str) -> None:
    assert text == plain(output)
