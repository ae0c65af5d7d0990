"""What Gitea's API v1 does with users, organisations and tokens.

The facts are those of its Swagger 2.0 description, in the state of 1.25 and later: of `EditUserOption` both `source_id` and
`login_name` are required, `DELETE /admin/users/{username}` has the parameter `purge`. Beyond that description: a token is made
with the user's own password alone, an existing name is 422, and to purge a user removes what it alone owns.
"""

import secrets
from typing import Any

from aiohttp import web

from tests.api.provisioners.contract import Field, Operation, Product

NAME = Field(str, required=True, pattern=r"[A-Za-z0-9]([-._]?[A-Za-z0-9])*", least=1, most=40)
VISIBILITY = Field(str, one_of=("public", "limited", "private"))
TEXT = Field(str, most=255)
FLAG = Field(bool)

OPERATIONS = {
    "GET /users/{username}": Operation(frozenset({200, 404})),
    "POST /admin/users": Operation(
        frozenset({201, 400, 403, 422}),
        {
            "created_at": TEXT,
            "email": Field(str, required=True, pattern=r"[^@\s]+@[^@\s]+", most=254),
            "full_name": Field(str, most=100),
            "login_name": TEXT,
            "must_change_password": FLAG,
            "password": Field(str, most=255),
            "restricted": FLAG,
            "send_notify": FLAG,
            "source_id": Field(int),
            "username": NAME,
            "visibility": VISIBILITY,
        },
    ),
    "PATCH /admin/users/{username}": Operation(
        frozenset({200, 400, 403, 422}),
        {
            "active": FLAG,
            "admin": FLAG,
            "allow_create_organization": FLAG,
            "allow_git_hook": FLAG,
            "allow_import_local": FLAG,
            "description": TEXT,
            "email": Field(str, pattern=r"[^@\s]+@[^@\s]+", most=254),
            "full_name": Field(str, most=100),
            "location": Field(str, most=50),
            "login_name": Field(str, required=True),
            "max_repo_creation": Field(int),
            "must_change_password": FLAG,
            "password": Field(str, most=255),
            "prohibit_login": FLAG,
            "restricted": FLAG,
            "source_id": Field(int, required=True),
            "visibility": VISIBILITY,
            "website": TEXT,
        },
    ),
    "DELETE /admin/users/{username}": Operation(frozenset({204, 403, 404, 422}), query={"purge": ("true", "false")}),
    "POST /admin/users/{username}/orgs": Operation(
        frozenset({201, 403, 422}),
        {
            "description": TEXT,
            "email": TEXT,
            "full_name": Field(str, most=100),
            "location": Field(str, most=50),
            "repo_admin_change_team_access": FLAG,
            "username": NAME,
            "visibility": VISIBILITY,
            "website": TEXT,
        },
    ),
    "GET /orgs/{org}": Operation(frozenset({200, 404})),
    "DELETE /orgs/{org}": Operation(frozenset({204, 404})),
    "POST /users/{username}/tokens": Operation(
        frozenset({201, 400, 403}), {"name": Field(str, required=True, least=1), "scopes": Field(list)}, basic=True
    ),
}
SCOPES = {
    f"{level}:{area}"
    for level in ("read", "write")
    for area in ("activitypub", "issue", "misc", "notification", "organization", "package", "repository", "user")
} | {"all"}


class Gitea(Product):
    """The server."""

    def __init__(self) -> None:
        super().__init__("/api/v1", OPERATIONS)
        self.scheme = "token"
        self.accounts: dict[str, dict[str, Any]] = {}
        self.owners: dict[str, set[str]] = {}
        """Of organisations."""
        self.tokens: dict[str, tuple[str, list[str]]] = {}
        self.may_own: set[str] = set()
        self.handlers = {
            "GET /users/{username}": self.get_user,
            "POST /admin/users": self.create_user,
            "PATCH /admin/users/{username}": self.edit_user,
            "DELETE /admin/users/{username}": self.delete_user,
            "POST /admin/users/{username}/orgs": self.create_org,
            "GET /orgs/{org}": self.get_org,
            "DELETE /orgs/{org}": self.delete_org,
            "POST /users/{username}/tokens": self.create_token,
        }

    async def get_user(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        found = self.accounts.get(given["username"])
        return (404, {"message": "not found"}) if found is None else (200, found)

    async def create_user(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        name = given["username"]
        if name in self.accounts:
            return 422, {"message": f"user already exists [name: {name}]"}
        self.users[name] = given["password"]
        self.accounts[name] = {"id": len(self.accounts) + 1, "login": name, "full_name": given.get("full_name", "")}
        return 201, self.accounts[name]

    async def edit_user(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        name = given["username"]
        if name not in self.accounts:
            return 422, {"message": "unknown user"}
        self.users[name] = given.get("password", self.users[name])
        if given.get("allow_create_organization"):
            self.may_own.add(name)
        return 200, self.accounts[name]

    async def delete_user(self, request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        name = given["username"]
        if self.accounts.pop(name, None) is None:
            return 404, {"message": "not found"}
        if any(name in owners for owners in self.owners.values()) and request.query.get("purge") != "true":
            return 422, {"message": "user owns organizations"}
        del self.users[name]
        for org, owners in list(self.owners.items()):
            owners.discard(name)
            if not owners:
                del self.owners[org], self.accounts[org]
        self.tokens = {token: found for token, found in self.tokens.items() if found[0] != name}
        return 204, None

    async def create_org(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        # The body's `username` is the organisation's; the path's is in the request.
        owner = _request.path.split("/")[-2]
        name = given["username"]
        if name in self.accounts:
            return 422, {"message": f"user already exists [name: {name}]"}
        if owner not in self.may_own:
            return 403, {"message": "user not allowed to create organizations"}
        self.accounts[name] = {"id": len(self.accounts) + 1, "username": name, "description": given.get("description", "")}
        self.owners[name] = {owner}
        return 201, self.accounts[name]

    async def get_org(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        found = self.accounts.get(given["org"])
        return (404, {"message": "not found"}) if found is None else (200, found)

    async def delete_org(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        if self.accounts.pop(given["org"], None) is None:
            return 404, {"message": "not found"}
        del self.owners[given["org"]]
        return 204, None

    async def create_token(self, _request: web.Request, given: dict[str, Any]) -> tuple[int, object]:
        name = given["username"]
        if not set(given["scopes"]) <= SCOPES:
            return 400, {"message": "invalid access token scope provided"}
        token = secrets.token_hex(20)
        self.tokens[token] = name, given["scopes"]
        return 201, {"id": 1, "name": given["name"], "sha1": token, "token_last_eight": token[-8:], "scopes": given["scopes"]}
