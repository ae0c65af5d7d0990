"""`hostelctl audit`: whether the audit log is as hostd wrote it, and its newest records."""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec.structs import asdict

from ctl.base import Command, Group, settings
from ctl.output import print_json, print_table
from ctl.workspaces import WorkspaceParameter
from shared.audit import log as auditlog
from shared.audit.check import Verdict, verify
from shared.config import ConfigError
from shared.errors import Code, Fault
from shared.hostwire import PAGE_MAX, AuditRecord

TAMPERED: Final = 1
UNREADABLE: Final = 2
_MAC_DIGITS: Final = 64


class HeadParameter(click.ParamType[tuple[int, str]]):
    """`SEQ:MAC`, as an earlier run has printed it."""

    name = "head"

    def convert(
        self, value: str | tuple[int, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, str]:
        """Check its shape."""
        if isinstance(value, tuple):
            return value
        seq, _, mac = value.partition(":")
        good = seq.isascii() and seq.isdigit() and len(mac) == _MAC_DIGITS and set(mac) <= set("0123456789abcdef")
        if not good or not 0 < int(seq) < 2**63:
            self.fail("what `audit verify` printed is expected: a number, a colon, 64 hexadecimal digits", param, ctx)
        return int(seq), mac


@click.group(cls=Group)
def audit() -> None:
    """Verify and read the audit log."""


@audit.command("verify", cls=Command)
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="The log's folder, if not that of the configuration."
)
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="Its key, if not beside that folder.")
@click.option("--expect", type=HeadParameter(), metavar="SEQ:MAC", help="What an earlier run printed as the head.")
@click.pass_context
def verify_command(context: click.Context, folder: Path | None, key: Path | None, expect: tuple[int, str] | None) -> None:
    """Check every record, without hostd. Nothing is changed; hostd may go on writing meanwhile.

    It finds records that were changed, dropped, doubled or moved, a tail that was cut off, files that were removed or put in.
    That all of it was put back to an older state, only --expect finds: note the head that is printed, on another machine.

    \b
    Exit status:
      0  the log is as hostd wrote it
      1  it was tampered with
      2  it cannot be read, or the command line is wrong
    """  # noqa: D301  # click takes the character itself
    try:
        chosen = folder or Path(settings(context).config.state) / "hostd" / auditlog.FOLDER
        content = (key or chosen.parent / auditlog.KEY_FILE).read_bytes()
        verdict = verify(chosen, auditlog.key_of(content), expect)
    except (OSError, ValueError, ConfigError) as error:
        told = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        click.echo(f"error: {told}", err=True)
        if isinstance(error, FileNotFoundError):
            click.echo("hint:  name the log's folder with --folder, and its key with --key", err=True)
        sys.exit(UNREADABLE)
    if settings(context).json:
        print_json({**msgspec.to_builtins(verdict), "intact": not verdict.findings, "head": _head(verdict)})
    else:
        _print(verdict)
    sys.exit(TAMPERED if verdict.findings else 0)


def _print(verdict: Verdict) -> None:
    if verdict.findings:
        print_table(("file", "record", "found"), [(f.file, str(f.seq or ""), f.what) for f in verdict.findings])
        if verdict.more:
            click.echo(f"and {verdict.more} more")
    for note in verdict.notes:
        click.echo(f"note: {note}")
    state = "tampered with" if verdict.findings else "intact"
    click.echo(f"{state}: {verdict.records} records in {verdict.files} files, from {verdict.first} to {verdict.last}")
    if not verdict.findings:
        click.echo(f"head: {_head(verdict)}")


def _head(verdict: Verdict) -> str:
    return f"{verdict.last}:{verdict.mac}"


@audit.command(cls=Command)
@click.option("-n", "--number", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many records.")
@click.option("--workspace", type=WorkspaceParameter(), metavar="ID", help="Only those about this workspace.")
@click.pass_context
def tail(context: click.Context, number: int, workspace: str | None) -> None:
    """Show the newest records, the oldest of them first."""
    records: list[AuditRecord] = []
    before: int | None = None
    with settings(context).host() as host:
        while len(records) < number:
            page = host.read_audit(workspace=workspace, before=before, limit=min(number - len(records), PAGE_MAX))
            records += page.items
            if page.next is None:
                break
            if before is not None and page.next >= before:
                raise Fault(Code.INTERNAL, "hostd's pages of the audit log do not come to an end")
            before = page.next
    records.reverse()
    if settings(context).json:
        print_json([{**asdict(record), "origin": asdict(record.origin)} for record in records])
        return
    heads = ("seq", "time", "source", "action", "outcome", "count", "actor", "address", "workspace", "target")
    print_table(heads, [_row(record) for record in records])


def _row(record: AuditRecord) -> tuple[str, ...]:
    origin = record.origin
    words = (record.source, record.action, record.outcome, str(record.count), origin.actor, origin.address)
    row = (str(record.seq), record.time, *words, record.workspace or "", record.target)
    return tuple(_printable(cell) for cell in row)


def _printable(text: str) -> str:
    """What a client has chosen cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
