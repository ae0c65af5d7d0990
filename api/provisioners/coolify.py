"""A Coolify project for each workspace. Requests are those of Coolify's API v1 as its published description has them.

Two projects of a team may have one name, so ours is found by its mark.
"""

import re
from http import HTTPStatus
from typing import Final

import msgspec

from api.provisioners.base import Keep, Made
from api.provisioners.remote import Remote
from shared.errors import Code, Fault
from shared.settings import Coolify as Settings

_OK, _CREATED, _ABSENT, _IN_USE = HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST
_UUID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Project(msgspec.Struct):
    """A project."""

    uuid: str
    description: str | None = None


class Coolify:
    """The server."""

    name = "coolify"
    revealed: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        """As configured."""
        self._url = settings.url.rstrip("/")
        self._remote = Remote("Coolify", f"{self._url}/api/v1", settings.token_file, settings.timeout)

    async def make(self, workspace: str, known: Made, keep: Keep) -> Made:
        """The project."""
        made = known.marked()
        if made is not known:
            await keep(made)  # before anything carries the mark
        uuid = await self._find(made) or await self._create(workspace, made)
        return made.but(detail={"url": self._url, "project": uuid})

    async def remove(self, workspace: str, known: Made) -> None:  # noqa: ARG002  # the mark says which
        """The project, unless something was put into it: Coolify keeps that, and so its owner must remove it."""
        uuid = await self._find(known) if known.mark else None
        if uuid is None:
            return
        status, _ = await self._remote.ask("DELETE", ("projects", uuid), good=(_OK, _ABSENT, _IN_USE), reply=type(None))
        if status == _IN_USE:
            raise Fault(Code.CONFLICT, f"Coolify does not delete the project {uuid}: it still has resources")

    async def _find(self, made: Made) -> str | None:
        """The uuid of the project that carries the mark."""
        _, projects = await self._remote.ask("GET", ("projects",), good=(_OK,), reply=list[_Project])
        return next((_uuid(project) for project in projects or () if made.mark in (project.description or "")), None)

    async def _create(self, workspace: str, made: Made) -> str:
        body = {"name": workspace, "description": f"hostel workspace {made.mark}"}
        _, project = await self._remote.ask("POST", ("projects",), body, good=(_CREATED,), reply=_Project)
        if project is None:
            raise Fault(Code.FAILED, "Coolify made a project and did not show it")
        return _uuid(project)


def _uuid(project: _Project) -> str:
    if not _UUID.fullmatch(project.uuid):
        raise Fault(Code.FAILED, "Coolify names a project by what is no uuid")
    return project.uuid
