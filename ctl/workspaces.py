"""`hostelctl workspaces`, `show`, `stop` and `delete`."""

import sys

import click

from ctl.base import Command, settings
from ctl.output import plain, print_facts, print_json, print_table
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
@click.pass_context
def workspaces(context: click.Context) -> None:
    """List all workspaces."""
    with settings(context).host() as host:
        items = list(host.every_workspace())
    if settings(context).json:
        print_json([plain(item) for item in items])
        return
    heads = ("workspace", "uid", "state", "running", "processes", "created")
    print_table(heads, [(i.workspace, str(i.uid), i.state, _yes(i), str(i.processes), i.created) for i in items])


@click.command(cls=Command)
@_workspace
@click.pass_context
def show(context: click.Context, workspace: str) -> None:
    """Show one workspace."""
    with settings(context).host() as host:
        info = host.show_workspace(workspace=workspace)
        providers = host.get_providers(workspace=workspace).providers
    if settings(context).json:
        print_json({**plain(info), "providers": providers})
        return
    shown = ", ".join(
        f"{name} ({'on' if view.enabled else 'off'}, {view.auth_type or 'no credential'})" for name, view in providers.items()
    )
    print_facts(
        [
            ("workspace", info.workspace),
            ("uid", str(info.uid)),
            ("state", info.state),
            ("created", info.created),
            ("running", _yes(info)),
            ("processes", str(info.processes)),
            ("providers", shown or "none"),
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
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def delete(context: click.Context, workspace: str, *, yes: bool) -> None:
    """Remove a workspace, its user and all of its files, for good. Its id and its uid are never used again."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask whether to delete it; say --yes", context)
    with settings(context).host() as host:
        if not yes:
            info = host.show_workspace(workspace=workspace)
            click.confirm(f"Delete {workspace}, made {info.created}, with all of its files?", abort=True, err=True)
        host.delete_workspace(workspace=workspace)
    _done(context, workspace, "deleted")


def _done(context: click.Context, workspace: str, what: str) -> None:
    if settings(context).json:
        print_json({"workspace": workspace, what: True})
    else:
        click.echo(f"{workspace} {what}")


def _yes(info: WorkspaceInfo) -> str:
    return "yes" if info.running else "no"
