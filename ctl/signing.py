"""`hostelctl signing` and `hostelctl master`: the keys of the server itself."""

import click

from ctl.base import Command, Group, settings
from ctl.http import api_of
from ctl.output import print_json, print_table


@click.group(cls=Group)
def signing() -> None:
    """The keys that sign access tokens, and the one that seals what api stores."""


@signing.command("list", cls=Command)
@click.pass_context
def list_keys(context: click.Context) -> None:
    """List them, the one that signs first."""
    with api_of(settings(context)) as api:
        items = api.call("GET", "/api/signing-keys")["items"]
    if settings(context).json:
        print_json(items)
        return
    rows = [
        (i["keyId"], "signs" if i["signs"] else "verifies", i["createdAt"] or "-", i["verifiesUntil"] or "-") for i in items
    ]
    print_table(("key", "use", "created", "verifies until"), rows)


@signing.command(cls=Command)
@click.option("--seal", is_flag=True, help="The key that seals what is stored, instead.")
@click.pass_context
def rotate(context: click.Context, *, seal: bool) -> None:
    """Make a new key. The one before verifies until its last token has expired: nobody has to sign in again."""
    with api_of(settings(context)) as api:
        told = api.call("POST", "/api/seal-keys" if seal else "/api/signing-keys")
    if settings(context).json:
        print_json(told)
    else:
        click.echo(f"{told['resealed']} values are sealed anew" if seal else f"{told['keyId']} signs from now on")


# An id may begin with -.
@signing.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.pass_context
def revoke(context: click.Context, key: str) -> None:
    """Remove a key at once: whoever has a token that it signed must sign in again."""
    if not key.replace("-", "").replace("_", "").isalnum():
        raise click.UsageError("a key's id has letters, digits, - and _ alone", context)
    with api_of(settings(context)) as api:
        api.call("DELETE", f"/api/signing-keys/{key}")
    if settings(context).json:
        print_json({"key": key, "revoked": True})
    else:
        click.echo(f"{key} is revoked")


@click.group(cls=Group)
def master() -> None:
    """The key under which hostd keeps the credentials of providers."""


@master.command("rotate", cls=Command)
@click.pass_context
def rotate_master(context: click.Context) -> None:
    """Seal all credentials under a new key, and forget the old one. One that was cut short is finished by the next."""
    with settings(context).host() as host:
        resealed = host.rotate_master().resealed
    if settings(context).json:
        print_json({"resealed": resealed})
    else:
        click.echo(f"the credentials of {resealed} workspaces are sealed under a new key")
