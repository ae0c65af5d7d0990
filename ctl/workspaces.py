"""`hostelctl workspaces`, `show`, `stop`, `delete` and `restore`."""

import sys
from pathlib import Path

import click

from ctl.backup import bring_back
from ctl.base import Command, settings
from ctl.http import api_of
from ctl.output import plain, print_facts, print_json, print_table
from shared.errors import Code, Fault
from shared.hostwire import WorkspaceInfo
from shared.ids import is_workspace_id


class WorkspaceParameter(click.ParamType[str]):
    """A whole workspace id: with a part of one, a typing mistake could hit a neighbour."""

    name = "workspace"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the id."""
        if not is_workspace_id(value):
            self.fail("a workspace's id is `w` and 24 hexadecimal digits in lower case", param, ctx)
        return value


_workspace = click.argument("workspace", type=WorkspaceParameter(), metavar="ID")


@click.command(cls=Command)
@click.option("--names", is_flag=True, help="Ask api what they are called. This signs in to it, which the audit log tells.")
@click.pass_context
def workspaces(context: click.Context, *, names: bool) -> None:
    """List all workspaces. What they are called is api's: with --names it has to run."""
    with settings(context).host() as host:
        items = list(host.every_workspace())
    called = _names(context) if names else None
    if settings(context).json:
        more = [{} if called is None else {"name": called.get(item.workspace)} for item in items]
        print_json([{**plain(item), **name} for item, name in zip(items, more, strict=True)])
        return
    heads = ["workspace", "uid", "state", "running", "processes", "created"]
    rows = [[i.workspace, str(i.uid), i.state, _yes(i), str(i.processes), i.created] for i in items]
    if called is not None:
        heads.append("name")
        rows = [[*row, called.get(row[0]) or "-"] for row in rows]
    print_table(heads, rows)


def _names(context: click.Context) -> dict[str, str | None]:
    with api_of(settings(context)) as api:
        return {item["workspaceId"]: item["name"] for item in api.every("/api/workspaces")}


@click.command(cls=Command)
@_workspace
@click.pass_context
def show(context: click.Context, workspace: str) -> None:
    """Show one workspace."""
    with settings(context).host() as host:
        info = host.show_workspace(workspace=workspace)
        try:
            providers = host.get_providers(workspace=workspace).providers
        except Fault as fault:
            if fault.code is not Code.NOT_READY:
                raise
            providers = None  # it is locked, or not made yet
    if settings(context).json:
        print_json({**plain(info), "providers": providers})
        return
    shown = ", ".join(
        f"{name} ({'on' if view.enabled else 'off'}, {view.auth_type or 'no credential'})"
        for name, view in (providers or {}).items()
    )
    print_facts(
        [
            ("workspace", info.workspace),
            ("uid", str(info.uid)),
            ("state", info.state),
            ("created", info.created),
            ("locked", info.locked or "no"),
            ("running", _yes(info)),
            ("processes", str(info.processes)),
            ("providers", shown or ("none" if providers is not None else "-")),
        ]
    )


@click.command(cls=Command)
@_workspace
@click.pass_context
def stop(context: click.Context, workspace: str) -> None:
    """Kill every process of a workspace. It is started again when it is next entered."""
    with settings(context).host() as host:
        host.stop_workspace(workspace=workspace)
    _done(context, workspace, "stopped")


@click.command(cls=Command)
@_workspace
@click.option("--keep", is_flag=True, help="Lock it and keep it for the configured time, in which it can be restored.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def delete(context: click.Context, workspace: str, *, keep: bool, yes: bool) -> None:
    """Remove a workspace, its user and all of its files, for good. Its id and its uid are never used again."""
    if keep:
        with settings(context).host() as host:
            host.lock_workspace(workspace=workspace)
        _done(context, workspace, "locked")
        return
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask whether to delete it; say --yes", context)
    with settings(context).host() as host:
        if not yes:
            info = host.show_workspace(workspace=workspace)
            click.confirm(f"Delete {workspace}, made {info.created}, with all of its files?", abort=True, err=True)
        host.delete_workspace(workspace=workspace)
    _done(context, workspace, "deleted")


@click.command(cls=Command)
@click.argument("target", metavar="ID|FILE")
@click.option("--force", is_flag=True, help="Move a state that is there aside. Of a backup only.")
@click.pass_context
def restore(context: click.Context, target: str, *, force: bool) -> None:
    """Unlock a workspace that was deleted and is kept; or put a backup in its place, on a host whose daemons are stopped.

    Homes are not in a backup. What there is of a state is not overwritten.
    """
    if is_workspace_id(target):
        with settings(context).host() as host:
            host.restore_workspace(workspace=target)
        _done(context, target, "restored")
        return
    manifest = bring_back(settings(context).config_path, Path(target), force=force)
    if settings(context).json:
        print_json({"file": target, "files": len(manifest.files), "created": manifest.created})
    else:
        click.echo(f"{len(manifest.files)} files of {manifest.created} are in place; homes are not among them")


def _done(context: click.Context, workspace: str, what: str) -> None:
    if settings(context).json:
        print_json({"workspace": workspace, what: True})
    else:
        click.echo(f"{workspace} {what}")


def _yes(info: WorkspaceInfo) -> str:
    return "yes" if info.running else "no"
