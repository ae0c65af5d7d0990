"""What a check has found, and how it is told."""

from collections.abc import Iterable
from typing import Literal

import click
from msgspec import Struct

from ctl.base import FAILED, settings
from ctl.output import print_json, print_table


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "warning", "failed"]
    detail: str


def report(context: click.Context, found: Iterable[Finding]) -> None:
    """Print the findings, and end with status 1 if something needs repair."""
    findings = list(found)
    if settings(context).json:
        print_json(findings)
    else:
        print_table(("check", "state", "detail"), [(f.check, f.state, f.detail) for f in findings])
    if any(finding.state == "failed" for finding in findings):
        context.exit(FAILED)
