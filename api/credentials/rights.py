"""What a key is: whose, what it may do at most, what its maker may give it, and for whom it then stands."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import msgspec

from api.auth import ADMIN_SCOPES, ORGANISATION_SCOPES, RANKS, WORKSPACE_SCOPES, Principal, Rank, Role, Scope, Target
from api.problems import invalid
from shared.errors import Code, Fault


class KeyKind(enum.StrEnum):
    """What a key reaches."""

    WORKSPACE = "workspace"
    ORGANISATION = "organisation"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key it is. `id` is None for those of the host."""

    kind: KeyKind
    id: str | None

    @property
    def target(self) -> Target:
        """What a change of the key is about; the organisation of a workspace is not in it."""
        match self.kind:
            case KeyKind.WORKSPACE:
                return Target(workspace=self.id)
            case KeyKind.ORGANISATION:
                return Target(organisation=self.id)
            case _:
                return Target()


HOST: Final = Owner(KeyKind.ADMIN, None)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key's row. Times are seconds since the epoch."""

    id: str
    hash: str = ""
    """SHA-256: of 256 random bits nothing slower is needed. "" until it is sealed, as the prefix is."""
    prefix: str = ""
    kind: KeyKind
    owner: str | None
    name: str
    rank: Rank | None
    """What was asked for; what it may do is in `scopes`."""
    scopes: frozenset[Scope]
    workspaces: frozenset[str] | None
    created: float
    created_by: str
    expires: float | None
    revoked: float | None = None
    replaces: str | None = None
    uses: int = 0
    used: float | None = None

    @property
    def end(self) -> float:
        """When it is good no more."""
        return math.inf if self.expires is None else self.expires

    def live(self, now: float) -> bool:
        """Whether it is good."""
        return self.revoked is None and self.end > now

    @property
    def principal(self) -> Principal:
        """Whom it stands for."""
        owner = self.owner
        return Principal(
            role=Role(self.kind.value),
            scopes=(self.scopes & most(self.kind, bound=self.workspaces is not None)) | {Scope.SELF},
            workspace=owner if self.kind is KeyKind.WORKSPACE else None,
            organisation=owner if self.kind is KeyKind.ORGANISATION else None,
            workspaces=self.workspaces,
            key=self.id,
            expires=self.end,
        )


_MOST: Final[Mapping[KeyKind, frozenset[Scope]]] = MappingProxyType(
    {
        KeyKind.WORKSPACE: WORKSPACE_SCOPES,
        KeyKind.ORGANISATION: ORGANISATION_SCOPES,
        KeyKind.ADMIN: ADMIN_SCOPES,
    }
)
_UNBOUND: Final = frozenset(
    {Scope.WORKSPACES_CREATE, Scope.ORGANISATIONS_WRITE, Scope.MEMBERS_WRITE, Scope.KEYS_WRITE, Scope.HANDOVER}
    | {Scope.SECRET_ROTATE}
)
"""What a key that is bound to some workspaces must not do: it would reach beyond them, or outlive its own bounds."""


def most(kind: KeyKind, *, bound: bool = False) -> frozenset[Scope]:
    """The most that a key of that kind can do."""
    return _MOST[kind] - _UNBOUND if bound else _MOST[kind]


def asked(kind: KeyKind, rank: Rank | None, scopes: list[Scope] | None, *, bound: bool) -> frozenset[Scope]:
    """The scopes that are asked for by name or by rank. Problem INVALID when such a key cannot have them."""
    if (rank is None) == (scopes is None):
        raise invalid("say one of `rank` and `scopes`", pointer="/scopes")
    limit = most(kind, bound=bound) - {Scope.SELF}
    if scopes is None:
        return RANKS[rank or Rank.VIEWER] & limit
    for scope in scopes:
        if scope not in limit:
            raise invalid(f"such a key cannot have `{scope}`", pointer="/scopes")
    return frozenset(scopes)


def check_gift(maker: Principal, target: Target, scopes: frozenset[Scope]) -> None:
    """Raise Fault FORBIDDEN unless `maker` may make a key with `scopes` for `target`: nobody gives what they do not have.

    A full administrator may: they stand above all keys, and the audit log tells of each that they make.
    """
    if maker.role is Role.ADMIN and maker.scopes >= ADMIN_SCOPES:
        return
    missing = sorted(scopes - (maker.scopes_for(target) or frozenset()))
    if missing:
        raise Fault(Code.FORBIDDEN, f"you cannot give what you do not have: `{missing[0]}`")


def maker(principal: Principal) -> str:
    """Who has made something, and with which key."""
    return (f"{principal.actor}/{principal.key}" if principal.key else principal.actor)[:64]


def bounded_end(maker: Principal, expires: float | None) -> float | None:
    """The end of a key that `maker` gives that end. A key's keys end with it; Problem INVALID when they should not."""
    limit = maker.expires if maker.key and maker.expires < math.inf else None
    if limit is None or expires is None:
        return expires if limit is None else limit
    if expires > limit:
        raise invalid("a key cannot make one that outlives it", pointer="/expiresAt")
    return expires
