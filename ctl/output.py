"""How results are shown: rich tables on a terminal, plain columns in a pipe, JSON on request."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import click
import msgspec

from shared.messages import Reply

_STYLES: Final = {
    "ready": "green",
    "active": "green",
    "ok": "green",
    "missing": "yellow",
    "warning": "yellow",
    "creating": "yellow",
}
_BAD: Final = {"required", "failed", "deleting"}


def plain(reply: Reply) -> dict[str, Any]:
    """The fields of a reply, without those of the wire.

    A Secret among them is refused: reveal it where it is meant to be seen.
    """
    return {name: msgspec.to_builtins(getattr(reply, name)) for name in reply.__struct_fields__ if name != "id"}


def print_json(value: object) -> None:
    """One JSON document."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under heads."""
    if sys.stdout.isatty():
        _rich(heads, rows)
        return
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Names and values, a line each."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        click.echo(f"{click.style(name.ljust(width), dim=True)}  {value}")


def _rich(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Imported here: it takes longer than everything else that hostelctl does.
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415  # see above
    from rich.console import Console  # noqa: PLC0415  # see above
    from rich.table import Table  # noqa: PLC0415  # see above
    from rich.text import Text  # noqa: PLC0415  # see above

    table = Table(*heads, box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell, style="red" if cell in _BAD else _STYLES.get(cell, "")) for cell in row))
    Console().print(table)
