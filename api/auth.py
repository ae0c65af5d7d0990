"""Who asks, and what they may do: the one place that decides.

A principal is made from a token and nothing else. A route names its scope; `authorize` compares the two. What belongs to
another workspace is NOT_FOUND, never FORBIDDEN, so that ids cannot be probed.
"""

import enum
import math
from dataclasses import dataclass
from typing import Final

from shared.errors import Code, Fault


class Scope(enum.StrEnum):
    """What a route demands of its caller."""

    PUBLIC = "public"
    """Nothing: it is the way in, or it tells nothing of any workspace."""
    SELF = "self"
    """Any valid token: it is about the token itself."""
    WORKSPACES_CREATE = "workspaces:create"
    WORKSPACES_READ = "workspaces:read"
    WORKSPACES_WRITE = "workspaces:write"
    SECRET_ROTATE = "secret:rotate"  # noqa: S105  # the name of a scope, not a password
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    TERMINALS_READ = "terminals:read"
    TERMINALS_WRITE = "terminals:write"
    EVENTS_READ = "events:read"
    AGENTS_READ = "agents:read"
    TURNS_READ = "turns:read"
    TURNS_WRITE = "turns:write"
    USAGE_READ = "usage:read"
    FILES_READ = "files:read"
    FILES_WRITE = "files:write"
    GIT_READ = "git:read"
    GIT_WRITE = "git:write"
    TRANSCRIPTS_READ = "transcripts:read"
    LIMITS_READ = "limits:read"
    LIMITS_WRITE = "limits:write"


class Role(enum.StrEnum):
    """What kind of principal it is."""

    ADMIN = "admin"
    WORKSPACE = "workspace"
    ANONYMOUS = "anonymous"


ROOM_SCOPES: Final = frozenset(
    {
        Scope.SESSIONS_READ,
        Scope.SESSIONS_WRITE,
        Scope.TERMINALS_READ,
        Scope.TERMINALS_WRITE,
        Scope.AGENTS_READ,
        Scope.TURNS_READ,
        Scope.TURNS_WRITE,
        Scope.USAGE_READ,
        Scope.FILES_READ,
        Scope.FILES_WRITE,
        Scope.GIT_READ,
        Scope.GIT_WRITE,
        Scope.TRANSCRIPTS_READ,
    }
)
"""What happens inside a workspace: only its own tokens carry these."""

_SHARED_SCOPES: Final = {
    Scope.SELF,
    Scope.WORKSPACES_READ,
    Scope.WORKSPACES_WRITE,
    Scope.EVENTS_READ,  # each sees its own: a workspace what happens in it, an admin which workspaces there are
    Scope.LIMITS_READ,
}
WORKSPACE_SCOPES: Final = ROOM_SCOPES | _SHARED_SCOPES | {Scope.SECRET_ROTATE}
ADMIN_SCOPES: Final = frozenset({Scope.WORKSPACES_CREATE, Scope.LIMITS_WRITE, *_SHARED_SCOPES})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    role: Role
    scopes: frozenset[Scope]
    workspace: str | None = None
    """The workspace that a workspace's token is for; None for others."""
    family: str = ""
    """The refresh family of its token: what logout and reuse revoke."""
    token_id: str = ""
    expires: float = math.inf
    """Seconds since the epoch."""

    @property
    def subject(self) -> str:
        """A name that is stable over tokens: the workspace's id, or the role."""
        return self.workspace or self.role.value


ANONYMOUS: Final = Principal(Role.ANONYMOUS, frozenset())


def demanded(scope: Scope, *, open_creation: bool) -> Scope:
    """What a route of that scope demands here: where anyone may create workspaces, that needs no token."""
    return Scope.PUBLIC if open_creation and scope is Scope.WORKSPACES_CREATE else scope


def authorize(principal: Principal, scope: Scope, workspace: str | None) -> None:
    """Let `principal` do what `scope` names, to `workspace` if the route is about one.

    Raises UNAUTHORIZED without a token, NOT_FOUND for a workspace of somebody else, FORBIDDEN for what its role may not do.
    """
    if scope is Scope.PUBLIC:
        return
    if workspace is not None and principal.workspace is not None and workspace != principal.workspace:
        raise no_such_workspace()
    if scope in principal.scopes:
        return
    if principal.role is Role.ANONYMOUS:
        raise Fault(Code.UNAUTHORIZED, "a token is needed: send it as `Authorization: Bearer …`")
    if principal.role is Role.ADMIN and scope in ROOM_SCOPES:
        raise Fault(Code.FORBIDDEN, "an admin manages workspaces but does not enter them; sign in as the workspace")
    raise Fault(Code.FORBIDDEN, f"this token lacks the scope `{scope}`")


def no_such_workspace() -> Fault:
    """What is said of a workspace that is absent, and of one that is not yours."""
    return Fault(Code.NOT_FOUND, "there is no such workspace")
