"""Who asks, and what they may do: the one place that decides.

A principal is made from one credential and nothing else. A route names its scope and what it is about; `authorize` compares the
two. What a principal does not reach is NOT_FOUND, never FORBIDDEN, so that ids cannot be probed.

The order of credentials: an `Authorization` header decides alone, whatever else the request carries; without one, the session
cookie of a browser does. Of what a header can name an administrator reaches most, then an organisation's key, then a
workspace's key or token.
"""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from shared.errors import Code, Fault


class Scope(enum.StrEnum):
    """What a route demands of its caller."""

    PUBLIC = "public"
    """Nothing: it is the way in, or it tells nothing of any workspace."""
    SELF = "self"
    """Any valid credential: it is about the credential itself."""
    WORKSPACES_CREATE = "workspaces:create"
    WORKSPACES_READ = "workspaces:read"
    WORKSPACES_WRITE = "workspaces:write"
    WORKSPACES_DELETE = "workspaces:delete"
    WORKSPACES_TRANSFER = "workspaces:transfer"
    SECRET_ROTATE = "secret:rotate"  # noqa: S105  # the name of a scope, not a password
    HANDOVER = "handover"
    """Make a one-time token that hands the workspace, or a sign-in, to somebody."""
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
    EXPORT = "export"
    """All files of a workspace at once."""
    SECRETS_READ = "secrets:read"
    """Their names; nobody reads a secret."""
    SECRETS_WRITE = "secrets:write"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    """Tasks, and schedules, which make them."""
    CHANNELS_READ = "channels:read"
    CHANNELS_WRITE = "channels:write"
    LIMITS_READ = "limits:read"
    LIMITS_WRITE = "limits:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    AUDIT_READ = "audit:read"
    ORGANISATIONS_CREATE = "organisations:create"
    ORGANISATIONS_READ = "organisations:read"
    ORGANISATIONS_WRITE = "organisations:write"
    ORGANISATIONS_DELETE = "organisations:delete"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    SERVER_READ = "server:read"
    """What was done on the whole server."""
    SERVER_WRITE = "server:write"
    """The server's own keys."""


class Role(enum.StrEnum):
    """What kind of principal it is."""

    ADMIN = "admin"
    ORGANISATION = "organisation"
    WORKSPACE = "workspace"
    PERSON = "person"
    ANONYMOUS = "anonymous"


class Rank(enum.StrEnum):
    """What a member of an organisation, or a key, may do there. Each may do what those before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


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
        Scope.EXPORT,
        Scope.SECRETS_READ,
        Scope.SECRETS_WRITE,
        Scope.TASKS_READ,
        Scope.TASKS_WRITE,
        Scope.CHANNELS_READ,
        Scope.CHANNELS_WRITE,
    }
)
"""What happens inside a workspace: administrators of the host do not carry these."""

_MANAGED: Final = frozenset(
    {
        Scope.WORKSPACES_READ,
        Scope.WORKSPACES_WRITE,
        Scope.WORKSPACES_DELETE,
        Scope.EVENTS_READ,  # each sees its own
        Scope.LIMITS_READ,
        Scope.KEYS_READ,
        Scope.KEYS_WRITE,
        Scope.WEBHOOKS_READ,
        Scope.WEBHOOKS_WRITE,
        Scope.AUDIT_READ,
        Scope.HANDOVER,
    }
)
_VIEWED: Final = frozenset(
    {
        Scope.WORKSPACES_READ,
        Scope.EVENTS_READ,
        Scope.LIMITS_READ,
        Scope.AUDIT_READ,
        Scope.ORGANISATIONS_READ,
        Scope.MEMBERS_READ,
        *(scope for scope in ROOM_SCOPES if scope.endswith(":read")),
    }
)
_ADMINISTERED: Final = (
    _MANAGED
    | ROOM_SCOPES
    | {
        Scope.WORKSPACES_CREATE,
        Scope.SECRET_ROTATE,
        Scope.ORGANISATIONS_READ,
        Scope.ORGANISATIONS_WRITE,
        Scope.MEMBERS_READ,
        Scope.MEMBERS_WRITE,
    }
)
RANKS: Final[Mapping[Rank, frozenset[Scope]]] = MappingProxyType(
    {
        Rank.VIEWER: _VIEWED,
        Rank.MEMBER: _VIEWED | ROOM_SCOPES,
        Rank.ADMIN: _ADMINISTERED,
        Rank.OWNER: _ADMINISTERED | {Scope.ORGANISATIONS_DELETE, Scope.WORKSPACES_TRANSFER},
    }
)
WORKSPACE_SCOPES: Final = ROOM_SCOPES | _MANAGED | {Scope.SELF, Scope.SECRET_ROTATE}
"""Of a workspace's token, and the most that its keys can have."""
ORGANISATION_SCOPES: Final = RANKS[Rank.ADMIN] | {Scope.SELF}
"""The most that an organisation's key can have."""
ADMIN_SCOPES: Final = _MANAGED | {
    Scope.SELF,
    Scope.WORKSPACES_CREATE,
    Scope.WORKSPACES_TRANSFER,
    Scope.LIMITS_WRITE,
    Scope.ORGANISATIONS_CREATE,
    Scope.ORGANISATIONS_READ,
    Scope.ORGANISATIONS_WRITE,
    Scope.ORGANISATIONS_DELETE,
    Scope.MEMBERS_READ,
    Scope.MEMBERS_WRITE,
    Scope.SERVER_READ,
    Scope.SERVER_WRITE,
}
PERSON_SCOPES: Final = frozenset({Scope.SELF, Scope.EVENTS_READ, Scope.WORKSPACES_READ, Scope.ORGANISATIONS_READ})
"""What a person may do whatever they are a member of: see their own."""
UNNAMED_SCOPES: Final = PERSON_SCOPES | ROOM_SCOPES | {Scope.WORKSPACES_CREATE}
"""The most that a credential of a workspace or an organisation may do where a request names neither: it is about its own."""
BOUND_SCOPES: Final = frozenset({Scope.SELF, Scope.EVENTS_READ, Scope.WORKSPACES_READ, Scope.ORGANISATIONS_READ})
"""The most that an organisation's key that is bound to some workspaces may do outside of them: see its own."""
LOCKED_SCOPES: Final = frozenset(
    {
        Scope.SELF,
        Scope.WORKSPACES_READ,
        Scope.WORKSPACES_DELETE,
        Scope.WORKSPACES_TRANSFER,
        Scope.AUDIT_READ,
        Scope.LIMITS_READ,
        Scope.KEYS_READ,
    }
)
"""What can be done to a workspace that was deleted and is kept."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: a workspace and the organisation that owns it, an organisation, or neither."""

    workspace: str | None = None
    organisation: str | None = None


NOWHERE: Final = Target()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks."""

    role: Role
    scopes: frozenset[Scope]
    """A person's hold where no organisation is concerned; in one it is by their rank there."""
    workspace: str | None = None
    """The workspace that a workspace's token or key is for; None for others."""
    organisation: str | None = None
    """The organisation that an organisation's key is for."""
    workspaces: frozenset[str] | None = None
    """The workspaces of its organisation that a key is bound to; None is all."""
    person: str | None = None
    name: str = ""
    """Of an operator who signed in with the host's own account."""
    ranks: Mapping[str, Rank] = field(default_factory=dict)
    """A person's rank in each of their organisations, at the time of the request."""
    family: str = ""
    """What logout and reuse revoke: the sign-in that its token or cookie comes from."""
    key: str = ""
    """The id of the key that was shown."""
    token_id: str = ""
    expires: float = math.inf
    """Seconds since the epoch."""

    @property
    def subject(self) -> str:
        """A name that is stable over credentials: the id of whom it stands for, or the role."""
        return self.workspace or self.organisation or self.person or self.role.value

    @property
    def actor(self) -> str:
        """Whom the audit log names."""
        return f"{self.subject}:{self.name}" if self.name else self.subject

    @property
    def credential(self) -> str:
        """Which credential was shown, without anything secret: a key's id, or the sign-in's."""
        return self.key or self.family

    def scopes_for(self, target: Target) -> frozenset[Scope] | None:
        """What it may do to `target`; None when it does not reach it."""
        match self.role:
            case Role.WORKSPACE | Role.ORGANISATION if target == NOWHERE:
                own = self.scopes & UNNAMED_SCOPES
                return own if self.workspaces is None else own & BOUND_SCOPES
            case Role.WORKSPACE:
                reached = self.workspace is not None and target.workspace == self.workspace
            case Role.ORGANISATION if self.organisation is None or target.organisation != self.organisation:
                return None
            case Role.ORGANISATION if self.workspaces is not None and target.workspace is None:
                return self.scopes & BOUND_SCOPES
            case Role.ORGANISATION:
                reached = self.workspaces is None or target.workspace in self.workspaces
            case Role.PERSON:
                if target == NOWHERE:
                    return self.scopes
                rank = self.ranks.get(target.organisation or "")
                return None if rank is None else RANKS[rank] | {Scope.SELF}
            case _:
                reached = True
        return self.scopes if reached else None


class Denied(Fault):
    """FORBIDDEN, to somebody who reaches `target`: its audit tells of it."""

    def __init__(self, message: str, target: Target) -> None:
        """`target` is the caller's own where the request names none."""
        super().__init__(Code.FORBIDDEN, message)
        self.target = target


ANONYMOUS: Final = Principal(role=Role.ANONYMOUS, scopes=frozenset())


def demanded(scope: Scope, *, open_creation: bool) -> Scope:
    """What a route of that scope demands here: where anyone may create workspaces, that needs no token."""
    return Scope.PUBLIC if open_creation and scope is Scope.WORKSPACES_CREATE else scope


def authorize(principal: Principal, scope: Scope, target: Target = NOWHERE) -> None:
    """Let `principal` do what `scope` names to `target`.

    Raises UNAUTHORIZED without a credential, NOT_FOUND for what it does not reach, FORBIDDEN for what it may not do.
    """
    if scope is Scope.PUBLIC:
        return
    if principal.role is Role.ANONYMOUS:
        raise Fault(Code.UNAUTHORIZED, "a credential is needed: send it as `Authorization: Bearer …`")
    scopes = principal.scopes_for(target)
    if scopes is None:
        raise no_such_workspace() if target.workspace else no_such_organisation()
    if scope in scopes:
        return
    about = Target(target.workspace or principal.workspace, target.organisation or principal.organisation)
    if principal.role is Role.ADMIN and scope in ROOM_SCOPES:
        raise Denied("an admin manages workspaces but does not enter them; sign in as the workspace", about)
    raise Denied(f"this credential lacks the scope `{scope}`", about)


def no_such_workspace() -> Fault:
    """What is said of a workspace that is absent, and of one that is not yours."""
    return Fault(Code.NOT_FOUND, "there is no such workspace")


def no_such_organisation() -> Fault:
    """What is said of an organisation that is absent, and of one that is not yours."""
    return Fault(Code.NOT_FOUND, "there is no such organisation")
