"""The verbs of hostd. None carries a uid, a path or a command line: only ids, secrets to keep, and choices."""

import enum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.ids import WorkspaceId
from shared.messages import Access, Done, Protocol, Reply, Request
from shared.secret import Secret

PROVIDERS_MAX: Final = 16
PROVIDER_SECRET_MAX: Final = 64 * 1024
"""Characters of a provider credential; an `auth_json_b64` is a few kilobytes."""
PAGE_MAX: Final = 500

HOST: Final = Protocol("host")

SecretHash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]
"""SHA-256 of a workspace secret, in hex. The secret is 256 random bits, so a slow hash would protect nothing."""
ProviderName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", min_length=1, max_length=32)]
PageSize = Annotated[int, Meta(ge=1, le=PAGE_MAX)]


class AuthType(enum.StrEnum):
    """How a provider's credential is handed to its agent."""

    API_KEY = "api_key"
    AUTH_JSON_B64 = "auth_json_b64"
    SETUP_TOKEN = "setup_token"  # noqa: S105  # the name of a kind, not a password


class WorkspaceState(enum.StrEnum):
    """What hostd's registry says of a workspace."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"


class ProviderAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's credential."""

    type: AuthType
    value: Secret


class ProviderChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A change to one provider: what is left out stays as it is; `auth: null` removes the credential."""

    enabled: bool | UnsetType = UNSET
    auth: ProviderAuth | UnsetType | None = UNSET


class ProviderView(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be told of a provider: never its credential."""

    enabled: bool
    auth_type: AuthType | None


ProviderChanges = Annotated[dict[ProviderName, ProviderChange | None], Meta(max_length=PROVIDERS_MAX)]
"""By provider; null removes the provider."""


class LayerState(enum.StrEnum):
    """Whether a layer of a room's walls is there."""

    ACTIVE = "active"
    MISSING = "missing"
    """This kernel or this machine does not give it, and rooms open without it."""
    REQUIRED = "required"
    """It is missing and the configuration requires it: no room opens."""


class Layer(Struct, frozen=True, forbid_unknown_fields=True):
    """One layer of a room's walls. Source: a probe at hostd's start."""

    name: str
    state: LayerState
    detail: str


class WorkspaceInfo(Reply, frozen=True):
    """A workspace as hostd knows it."""

    workspace: WorkspaceId
    uid: int
    state: WorkspaceState
    created: str
    """ISO 8601, UTC."""
    running: bool
    """Whether its guest runs."""
    processes: int
    """How many processes have its uid, with those that have ended and that nobody has waited for."""


class Workspaces(Reply, frozen=True):
    """A page of workspaces, by id. `next` is the id to pass as `after` for the following page."""

    items: list[WorkspaceInfo]
    next: WorkspaceId | None = None


class Providers(Reply, frozen=True):
    """The providers of a workspace, without their credentials."""

    providers: dict[str, ProviderView]


class Entered(Reply, frozen=True):
    """A connected socket to the guest comes with this answer, as its only descriptor."""

    started: bool
    """Whether the guest was started for this call."""
    missing: list[str]
    """Names of the layers that this room lacks."""


class Invite(Reply, frozen=True):
    """A one-time token, shown once."""

    token: Secret
    expires: str
    """ISO 8601, UTC."""


class Redeemed(Reply, frozen=True):
    """What the token was good for."""

    role: str


class HostStatus(Reply, frozen=True):
    """What hostd says of itself and of this machine."""

    version: str
    started: str
    """ISO 8601, UTC."""
    pid: int
    workspaces: int
    running: int
    """Guests that run."""
    uids_left: int
    """Uids of the range that were never given out."""
    cgroups: str
    """The kind of cgroup tree in use: `systemd`, `v2`, `v1` or `none`."""
    layers: list[Layer]


@HOST.verb(WorkspaceInfo, audit=("workspace",))
class CreateWorkspace(Request, frozen=True):
    """Make the Linux user, the home and the files in it, or finish what an earlier call began. Same call, same result.

    CONFLICT when the workspace is there with another secret, or an account of that name is not ours.
    """

    workspace: WorkspaceId
    secret_hash: SecretHash
    providers: ProviderChanges = {}  # noqa: RUF012  # msgspec copies an empty default


@HOST.verb(Done, audit=("workspace",))
class VerifySecret(Request, frozen=True):
    """UNAUTHORIZED unless `secret` is the workspace's; the same when there is no such workspace."""

    workspace: WorkspaceId
    secret: Annotated[Secret, Meta(extra={"secret": True})]


@HOST.verb(Done, audit=("workspace",))
class SetSecret(Request, frozen=True):
    """Replace the workspace's secret."""

    workspace: WorkspaceId
    secret_hash: SecretHash


@HOST.verb(Providers, audit=("workspace",))
class GetProviders(Request, frozen=True):
    """The workspace's providers."""

    workspace: WorkspaceId


@HOST.verb(Providers, audit=("workspace",))
class SetProviders(Request, frozen=True):
    """Merge changes into the workspace's providers."""

    workspace: WorkspaceId
    changes: ProviderChanges


@HOST.verb(Entered, audit=("workspace", "start"))
class EnterWorkspace(Request, frozen=True):
    """A connection to the workspace's guest, which is started if `start` says so; else NOT_RUNNING."""

    workspace: WorkspaceId
    start: bool = True


@HOST.verb(Done, audit=("workspace",))
class StopWorkspace(Request, frozen=True):
    """Kill every process of the workspace. It can be entered again at once."""

    workspace: WorkspaceId


@HOST.verb(WorkspaceInfo, audit=("workspace",))
class ShowWorkspace(Request, frozen=True):
    """One workspace."""

    workspace: WorkspaceId


@HOST.verb(Workspaces)
class ListWorkspaces(Request, frozen=True):
    """Workspaces by id, those after `after`."""

    after: WorkspaceId | None = None
    limit: PageSize = 100


@HOST.verb(HostStatus)
class Status(Request, frozen=True):
    """The state of hostd and of the layers that this machine gives."""


@HOST.verb(Redeemed)
class RedeemInvite(Request, frozen=True):
    """Use up a one-time token; UNAUTHORIZED when it is unknown, used or expired."""

    token: Annotated[Secret, Meta(extra={"secret": True})]


@HOST.verb(Invite, access=Access.ADMIN, audit=("lifetime",))
class CreateInvite(Request, frozen=True):
    """Make a one-time token that signs its holder in as an admin."""

    lifetime: Annotated[int, Meta(ge=10, le=86_400)] = 900
    """Seconds."""


@HOST.verb(Done, access=Access.ADMIN, audit=("workspace",))
class DeleteWorkspace(Request, frozen=True):
    """Kill all of the workspace, remove its files and its user. The uid and the id are never used again."""

    workspace: WorkspaceId
