"""`hostelctl keys`: the keys of a workspace, of an organisation or of the host."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import click

from ctl.base import Command, Group, settings
from ctl.http import Http, api_of
from ctl.output import print_facts, print_json, print_table

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Group)
def keys() -> None:
    """Make, list, replace and revoke keys, with which scripts and agents call the API.

    Say whose they are: one of --workspace, --organisation and --admin, which are those of the host.
    """


def _owned(command: F) -> F:
    """Add the options that say whose keys they are."""
    options = (
        click.option("--admin", is_flag=True, help="Keys of the host: their holders are administrators."),
        click.option("--organisation", metavar="ID", help="Keys of this organisation."),
        click.option("--workspace", metavar="ID", help="Keys of this workspace."),
    )
    for option in options:
        command = option(command)
    return command


@keys.command("list", cls=Command)
@_owned
@click.pass_context
def list_keys(context: click.Context, /, **whose: Any) -> None:  # noqa: ANN401  # the options of `_owned`
    """List the keys that are good, and for 90 days those that were, newest first."""
    with _keys(context, whose) as (api, base):
        found = list(api.every(base))
    if settings(context).json:
        print_json(found)
        return
    heads = ("KEY", "PREFIX", "STATUS", "RANK", "EXPIRES", "USES", "LAST USED", "NAME")
    fields = ("keyId", "prefix", "status", "rank", "expiresAt", "uses", "lastUsedAt", "name")
    print_table(heads, [[_told(key[field]) for field in fields] for key in found])


@keys.command(cls=Command)
@click.argument("name")
@_owned
@click.option("--rank", type=click.Choice(["viewer", "member", "admin"]), help="What it may do, by rank.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do, one by one.")
@click.option("--bind", multiple=True, metavar="ID", help="A workspace of the organisation to bind it to. By default: all.")
@click.option("--lifetime", type=click.IntRange(1), metavar="SECONDS", help="How long it is good for. By default: for ever.")
@click.pass_context
def mint(
    context: click.Context,
    /,
    name: str,
    *,
    rank: str | None,
    scopes: tuple[str, ...],
    bind: tuple[str, ...],
    lifetime: int | None,
    **whose: Any,  # noqa: ANN401  # the options of `_owned`
) -> None:
    """Make a key called NAME and print it. It is shown this once."""
    if (rank is None) == (not scopes):
        raise click.UsageError("say what it may do: either --rank or --scope", context)
    body: dict[str, object] = {"name": name, "rank": rank} if rank else {"name": name, "scopes": scopes}
    if bind:
        body["workspaces"] = bind
    if lifetime is not None:
        body["expiresAt"] = (datetime.now(UTC) + timedelta(seconds=lifetime)).isoformat()
    with _keys(context, whose) as (api, base):
        _reveal(context, api.call("POST", base, body))


@keys.command(cls=Command)
@click.argument("key", metavar="KEYID")
@_owned
@click.pass_context
def show(context: click.Context, /, key: str, **whose: Any) -> None:  # noqa: ANN401  # the options of `_owned`
    """Show what is known of a key. The key itself is known to its holder alone."""
    with _keys(context, whose) as (api, base):
        found = api.call("GET", f"{base}/{quote(key, safe='')}")
    if settings(context).json:
        print_json(found)
    else:
        print_facts([(name, _told(value)) for name, value in found.items()])


@keys.command(cls=Command)
@click.argument("key", metavar="KEYID")
@_owned
@click.option(
    "--overlap",
    type=click.IntRange(0, 7 * 86_400),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long the old one is good beside it.",
)
@click.pass_context
def rotate(context: click.Context, /, key: str, *, overlap: int, **whose: Any) -> None:  # noqa: ANN401  # the options of `_owned`
    """Replace a key by another one with the same rights, and print that."""
    with _keys(context, whose) as (api, base):
        _reveal(context, api.call("POST", f"{base}/{quote(key, safe='')}/rotate", {"overlap": overlap}))


@keys.command(cls=Command)
@click.argument("key", metavar="KEYID")
@_owned
@click.pass_context
def revoke(context: click.Context, /, key: str, **whose: Any) -> None:  # noqa: ANN401  # the options of `_owned`
    """Have a key be good no more, at once."""
    with _keys(context, whose) as (api, base):
        api.call("DELETE", f"{base}/{quote(key, safe='')}")
    if settings(context).json:
        print_json({"keyId": key, "status": "revoked"})


@contextmanager
def _keys(context: click.Context, whose: dict[str, Any]) -> Iterator[tuple[Http, str]]:
    """The API, and the path of the keys in question."""
    bases = {
        "workspace": f"/api/workspaces/{quote(whose['workspace'] or '', safe='')}/keys",
        "organisation": f"/api/orgs/{quote(whose['organisation'] or '', safe='')}/keys",
        "admin": "/api/keys",
    }
    said = [name for name in bases if whose[name]]
    if len(said) != 1:
        raise click.UsageError("say whose: one of --workspace, --organisation and --admin", context)
    with api_of(settings(context)) as api:
        yield api, bases[said[0]]


def _reveal(context: click.Context, made: dict[str, Any]) -> None:
    """Print a new key alone, so that it can be piped; what it is called goes where people read."""
    if settings(context).json:
        print_json(made)
        return
    click.echo(made["key"])
    click.echo(f"this is {made['keyId']}; it is not shown again", err=True)


def _told(value: object) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
