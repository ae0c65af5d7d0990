"""What Coolify's API v1 does with projects.

The facts are those of its OpenAPI description 0.1, in the state of 4.3.11, and of what that version checks beyond it: the
characters of names and descriptions, and that a project with resources is not deleted, which is 400.
"""

import secrets
from typing import Any

from aiohttp import web

from tests.api.provisioners.contract import Field, Operation, Product

OPERATIONS = {
    "GET /projects": Operation(frozenset({200, 400, 401})),
    "POST /projects": Operation(
        frozenset({201, 400, 401, 404, 422}),
        {
            "name": Field(str, required=True, pattern=r"[\w\s\-.@/&()#,:+]+", least=3, most=255),
            "description": Field(str, pattern=r"[\w\s\-.,!?()'\"+=*@/&]+", most=255),
        },
    ),
    "DELETE /projects/{uuid}": Operation(frozenset({200, 400, 401, 404, 422})),
}


class Coolify(Product):
    """The server."""

    def __init__(self) -> None:
        super().__init__("/api/v1", OPERATIONS)
        self.projects: dict[str, dict[str, Any]] = {}
        self.in_use: set[str] = set()
        self.handlers = {
            "GET /projects": self.list_projects,
            "POST /projects": self.create_project,
            "DELETE /projects/{uuid}": self.delete_project,
        }

    async def list_projects(self, _request: web.Request, _given: dict[str, Any]) -> tuple[int, object]:
        return 200, list(self.projects.values())

    async def create_project(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        uuid = secrets.token_hex(12)
        self.projects[uuid] = {
            "id": len(self.projects) + 1,
            "uuid": uuid,
            "name": given["name"],
            "description": given.get("description"),
        }
        return 201, {"uuid": uuid}

    async def delete_project(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        if given["uuid"] in self.in_use:
            return 400, {"message": "Project has resources, so it cannot be deleted."}
        if self.projects.pop(given["uuid"], None) is None:
            return 404, {"message": "Project not found."}
        return 200, {"message": "Project deleted."}
