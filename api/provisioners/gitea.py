"""A Gitea organisation for each workspace, owned by a user of its own, with a token of that user.

Requests are those of Gitea's API v1 as its published description has them. A token is made with the user's own password: Gitea
accepts none of the administrator's tokens for that. The password is set anew for it, and kept by nobody.
"""

import secrets
from http import HTTPStatus
from typing import Final

import msgspec

from api.provisioners.base import Keep, Made
from api.provisioners.remote import Remote
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.settings import Gitea as Settings

SCOPES: Final = ("read:user", "write:issue", "write:organization", "write:package", "write:repository")
"""Of the token: the organisation's repositories, and no account's settings."""
_OK, _CREATED, _EMPTY, _ABSENT = HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND


class _Account(msgspec.Struct):
    """A user or an organisation."""

    username: str = ""
    login: str = ""
    full_name: str = ""
    description: str = ""


class _Token(msgspec.Struct):
    """A token that was just made."""

    sha1: str


class Gitea:
    """The server."""

    name = "gitea"
    revealed: tuple[str, ...] = ("token",)

    def __init__(self, settings: Settings) -> None:
        """As configured."""
        self._url = settings.url.rstrip("/")
        self._remote = Remote("Gitea", f"{self._url}/api/v1", settings.token_file, settings.timeout, "token")

    async def make(self, workspace: str, known: Made, keep: Keep) -> Made:
        """The user, the organisation, then the token."""
        made = known.marked()
        if made is not known:
            await keep(made)  # before anything carries the mark
        bot = _bot(workspace)
        if not await self._is_ours(("users", bot), made):
            await self._create_user(workspace, bot, made)
        if not await self._is_ours(("orgs", workspace), made):
            await self._let_in(bot)
            await self._create_organisation(workspace, bot, made)
        made = made.but(detail={"url": self._url, "organisation": workspace, "user": bot})
        await keep(made)
        if "token" not in made.secrets:
            made = made.but(secrets={"token": await self._create_token(bot)})
        return made

    async def remove(self, workspace: str, known: Made) -> None:
        """The user with all that is its alone, then the organisation if others owned it too."""
        if not known.mark:
            return
        bot = _bot(workspace)
        if await self._is_ours(("users", bot), known):
            await self._remote.ask(
                "DELETE", ("admin", "users", bot), good=(_EMPTY, _ABSENT), reply=type(None), query={"purge": "true"}
            )
        if await self._is_ours(("orgs", workspace), known):
            await self._remote.ask("DELETE", ("orgs", workspace), good=(_EMPTY, _ABSENT), reply=type(None))

    async def _is_ours(self, path: tuple[str, str], made: Made) -> bool:
        """Whether it is there and carries the mark; Fault CONFLICT when it is somebody else's."""
        _, found = await self._remote.ask("GET", path, good=(_OK, _ABSENT), reply=_Account)
        if found is None:
            return False
        if made.mark not in found.full_name and made.mark not in found.description:
            raise Fault(Code.CONFLICT, f"Gitea has an account `{path[1]}` that hostel did not make")
        return True

    async def _create_user(self, workspace: str, bot: str, made: Made) -> None:
        body = {
            "username": bot,
            "email": f"{bot}@hostel.invalid",
            "full_name": f"hostel workspace {workspace} {made.mark}",
            "password": _password().reveal(),
            "must_change_password": False,
            "restricted": True,
            "send_notify": False,
            "visibility": "private",
        }
        await self._remote.ask("POST", ("admin", "users"), body, good=(_CREATED,), reply=type(None))

    async def _create_organisation(self, workspace: str, bot: str, made: Made) -> None:
        body = {"username": workspace, "description": f"hostel workspace {made.mark}", "visibility": "private"}
        await self._remote.ask("POST", ("admin", "users", bot, "orgs"), body, good=(_CREATED,), reply=type(None))

    async def _create_token(self, bot: str) -> str:
        password = await self._let_in(bot)
        body = {"name": f"hostel-{secrets.token_hex(6)}", "scopes": list(SCOPES)}
        _, token = await self._remote.ask(
            "POST", ("users", bot, "tokens"), body, good=(_CREATED,), reply=_Token, login=(bot, password)
        )
        if token is None or not token.sha1:
            raise Fault(Code.FAILED, "Gitea made a token and did not show it")
        return token.sha1

    async def _let_in(self, bot: str) -> Secret:
        """Give the user a new password, and leave to own an organisation."""
        password = _password()
        body = {
            "source_id": 0,
            "login_name": bot,
            "password": password.reveal(),
            "must_change_password": False,
            "allow_create_organization": True,
        }
        await self._remote.ask("PATCH", ("admin", "users", bot), body, good=(_OK,), reply=type(None))
        return password


def _bot(workspace: str) -> str:
    return f"{workspace}-bot"


def _password() -> Secret:
    """With all kinds of characters that a server may insist on."""
    return Secret(f"aA1!{secrets.token_urlsafe(32)}")
