"""How what a check has found is told."""

from collections.abc import Iterable

import click

from ctl.base import FAILED, settings
from ctl.output import print_json, print_table
from shared.findings import Finding


def report(context: click.Context, found: Iterable[Finding]) -> None:
    """Print the findings, and end with status 1 if something needs repair."""
    findings = list(found)
    if settings(context).json:
        print_json(findings)
    else:
        print_table(("check", "state", "detail"), [(f.check, f.state, f.detail) for f in findings])
    if any(finding.state == "failed" for finding in findings):
        context.exit(FAILED)
