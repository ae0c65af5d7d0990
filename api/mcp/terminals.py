"""Tools for terminals: run a command, type, look at the screen."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from api.mcp.readers import Reader, reading
from api.mcp.schemas import WAIT_MAX
from api.mcp.screens import BYTES_MAX, plain
from api.problems import invalid
from api.routing import Context
from api.schema import Body, View
from api.terminals import absent
from shared.errors import Code, Fault
from shared.ids import WorktreeId
from shared.rooms import INPUT_MAX, TerminalInfo, TerminalStatus

OUTPUT_MAX: Final = 48 * 1024
"""Bytes of the end of a command's output that are answered, or up to twice as many: with them a text is not cut once more."""
ENVIRONMENT: Final = ("TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat")
"""For commands whose output an agent reads."""
_COLUMNS: Final = 200
_ROWS: Final = 50

Patience = Annotated[float, Meta(ge=0, le=WAIT_MAX, description="Seconds to wait for its end.")]


class RunArguments(Body, frozen=True):
    """A command line, and how long to wait for its end."""

    command: Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]*$", description="For bash.")]
    worktree_id: WorktreeId | None = None
    wait: Patience = 30


class TypeArguments(Body, frozen=True):
    """What to type."""

    text: Annotated[str, Meta(max_length=INPUT_MAX // 4, description=r"`\r` is Enter, `\u0003` Ctrl-C, as JSON writes them.")]
    enter: Annotated[bool, Meta(description="Whether to press Enter after it.")] = False


class ScreenArguments(Body, frozen=True):
    """How long to wait before the look."""

    wait: Patience = 0


class RunView(View, frozen=True):
    """What has become of a command."""

    status: str
    """`exited`, or `running`: then its terminal goes on."""
    exit_code: int | None
    exit_signal: str | None
    terminal_id: str | None
    """While it runs."""


class ScreenView(View, frozen=True):
    """What a terminal shows."""

    terminal_id: str
    status: str
    exit_code: int | None
    exit_signal: str | None
    cols: int
    rows: int
    cursor_row: int
    """From 1."""
    cursor_col: int
    whole: bool
    """Whether all of its output could be drawn."""


async def run_command(ctx: Context, arguments: RunArguments) -> list[str]:
    """What a command printed, and how it ended. One that goes on keeps its terminal; else that is gone."""
    guests, terminal = ctx.app.guests, ctx.resource_id
    await guests.create_terminal(
        ctx.room,
        terminal,
        ctx.param("sessionId"),
        arguments.worktree_id,
        command=["/usr/bin/env", *ENVIRONMENT, "/bin/bash", "-c", arguments.command],
        columns=_COLUMNS,
        rows=_ROWS,
        secrets=await ctx.app.secrets.of(ctx.room, ctx.param("sessionId")),
    )
    async with reading(ctx, terminal, 0, OUTPUT_MAX) as reader:
        await reader.until(lambda: reader.exited is not None, arguments.wait)
    exited = reader.exited
    if exited is not None:
        await guests.close_terminal(ctx.room, terminal)
    view = RunView(
        status=TerminalStatus.EXITED if exited else TerminalStatus.RUNNING,
        exit_code=exited.code if exited else None,
        exit_signal=exited.signal if exited else None,
        terminal_id=None if exited else terminal,
    )
    missing = reader.seq - len(reader.output)
    head = f"[the first {missing} bytes were left out]\n" if missing else ""
    return [head + plain(bytes(reader.output)), msgspec.json.encode(view).decode()]


async def type_text(ctx: Context, arguments: TypeArguments) -> list[str]:
    """Type, and show the screen once it has settled. CONFLICT when nobody would read it."""
    data = (arguments.text + "\r" * arguments.enter).encode(errors="replace")
    if not data:
        raise invalid("nothing to type", pointer="/text")
    info = await _info(ctx)
    if info.status is not TerminalStatus.RUNNING:
        raise Fault(Code.CONFLICT, "the program has ended")
    async with reading(ctx, info.terminal, info.seq, BYTES_MAX) as reader:
        await reader.until_printed(info.seq)
        await reader.type(data)
        await reader.until_settled()
    return await _shown(ctx, reader)


async def read_screen(ctx: Context, arguments: ScreenArguments) -> list[str]:
    """What the terminal shows, as lines, and where its cursor is."""
    info = await _info(ctx)
    async with reading(ctx, info.terminal, info.seq, BYTES_MAX) as reader:
        await reader.until_printed(info.seq)
        await reader.until(lambda: reader.exited is not None, arguments.wait)
    return await _shown(ctx, reader)


async def _info(ctx: Context) -> TerminalInfo:
    try:
        return await ctx.app.guests.get_terminal(ctx.room, ctx.param("terminalId"))
    except Fault as error:
        raise absent(error) from error


async def _shown(ctx: Context, reader: Reader) -> list[str]:
    screen = await ctx.app.screens.draw(ctx.room, bytes(reader.output[-BYTES_MAX:]), reader.columns, reader.rows)
    exited = reader.exited
    view = ScreenView(
        terminal_id=ctx.param("terminalId"),
        status=TerminalStatus.EXITED if exited else TerminalStatus.RUNNING,
        exit_code=exited.code if exited else None,
        exit_signal=exited.signal if exited else None,
        cols=reader.columns,
        rows=reader.rows,
        cursor_row=screen.cursor[0],
        cursor_col=screen.cursor[1],
        whole=screen.whole,
    )
    return ["\n".join(screen.lines), msgspec.json.encode(view).decode()]
