"""`hostelctl invite`."""

import click

from ctl.base import Command, settings
from ctl.output import print_json


@click.command(cls=Command)
@click.option("--admin", is_flag=True, required=True, help="The only role there is to invite to; it has to be said.")
@click.option(
    "--lifetime",
    type=click.IntRange(10, 86_400),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="How long it is good for.",
)
@click.option(
    "--url",
    is_flag=False,
    flag_value="",
    metavar="[BASE]",
    help="Print a link instead, to BASE, by default api.public_url, or else where api listens on this machine.",
)
@click.pass_context
def invite(context: click.Context, lifetime: int, url: str | None, *, admin: bool) -> None:
    """Make a one-time token that signs its holder in. It is shown once; what redeems it is `POST /api/auth/redeem`."""
    if not admin:
        raise click.UsageError("say --admin", context)
    chosen = settings(context)
    base = None if url is None else (url.rstrip("/") or chosen.config.api.base)
    with chosen.host() as host:
        reply = host.create_invite(lifetime=lifetime)
    token = reply.token.reveal()
    link = None if base is None else f"{base}/#redeem={token}"
    if chosen.json:
        print_json({"token": token, "expires": reply.expires} | ({} if link is None else {"url": link}))
    else:
        click.echo(link or token)
