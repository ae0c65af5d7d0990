"""`hostelctl status`."""

import click

from ctl.base import Command, settings
from ctl.output import plain, print_facts, print_json, print_table


@click.command(cls=Command)
@click.pass_context
def status(context: click.Context) -> None:
    """Tell how hostd is, and which layers a room's walls have on this machine."""
    with settings(context).host() as host:
        reply = host.status()
    if settings(context).json:
        print_json(plain(reply))
        return
    print_facts(
        [
            ("version", reply.version),
            ("pid", str(reply.pid)),
            ("started", reply.started),
            ("workspaces", f"{reply.workspaces}, {reply.running} of them running"),
            ("uids left", str(reply.uids_left)),
            ("cgroups", reply.cgroups),
        ]
    )
    click.echo()
    print_table(("layer", "state", "detail"), [(layer.name, layer.state, layer.detail) for layer in reply.layers])
