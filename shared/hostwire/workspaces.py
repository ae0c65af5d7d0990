"""Workspaces on the host: made, entered, stopped, locked, removed."""

import enum
from typing import Annotated

from msgspec import Meta

from shared.hostwire.protocol import HOST, HostRequest, PageSize
from shared.hostwire.providers import ProviderChanges, ProviderView
from shared.ids import WorkspaceId
from shared.messages import Access, Done, Reply
from shared.secret import Secret

SecretHash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]
"""SHA-256 of a workspace secret, in hex. The secret is 256 random bits, so a slow hash would protect nothing."""


class WorkspaceState(enum.StrEnum):
    """What hostd's registry says of a workspace."""

    CREATING = "creating"
    READY = "ready"
    LOCKED = "locked"
    """Deleted and kept: nobody enters until it is restored, and after the grace it may be purged."""
    DELETING = "deleting"


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
    locked: str | None = None
    """Since when it is locked. ISO 8601, UTC."""


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


@HOST.verb(WorkspaceInfo, audit=("workspace",))
class CreateWorkspace(HostRequest, frozen=True):
    """Make the Linux user, the home and the files in it, or finish what an earlier call began. Same call, same result.

    CONFLICT when the workspace is there with another secret, or an account of that name is not ours.
    """

    workspace: WorkspaceId
    secret_hash: SecretHash
    providers: ProviderChanges = {}  # noqa: RUF012  # msgspec copies an empty default


@HOST.verb(Done, audit=("workspace",))
class VerifySecret(HostRequest, frozen=True):
    """UNAUTHORIZED unless `secret` is the workspace's; the same when there is no such workspace."""

    workspace: WorkspaceId
    secret: Annotated[Secret, Meta(extra={"secret": True})]


@HOST.verb(Done, audit=("workspace",))
class SetSecret(HostRequest, frozen=True):
    """Replace the workspace's secret."""

    workspace: WorkspaceId
    secret_hash: SecretHash


@HOST.verb(Providers, audit=None)
class GetProviders(HostRequest, frozen=True):
    """The workspace's providers."""

    workspace: WorkspaceId


@HOST.verb(Providers, audit=("workspace",))
class SetProviders(HostRequest, frozen=True):
    """Merge changes into the workspace's providers."""

    workspace: WorkspaceId
    changes: ProviderChanges


@HOST.verb(Entered, audit=("workspace",))
class EnterWorkspace(HostRequest, frozen=True):
    """A connection to the workspace's guest, which is started if `start` says so; else NOT_RUNNING."""

    workspace: WorkspaceId
    start: bool = True


@HOST.verb(Done, audit=("workspace",))
class StopWorkspace(HostRequest, frozen=True):
    """Kill every process of the workspace. It can be entered again at once."""

    workspace: WorkspaceId


@HOST.verb(WorkspaceInfo, audit=None)
class ShowWorkspace(HostRequest, frozen=True):
    """One workspace."""

    workspace: WorkspaceId


@HOST.verb(Workspaces, audit=None)
class ListWorkspaces(HostRequest, frozen=True):
    """Workspaces by id, those after `after`."""

    after: WorkspaceId | None = None
    limit: PageSize = 100


@HOST.verb(WorkspaceInfo, audit=("workspace",))
class LockWorkspace(HostRequest, frozen=True):
    """Kill every process of the workspace and let nobody enter. Files and user stay. Same call, same result."""

    workspace: WorkspaceId


@HOST.verb(WorkspaceInfo, audit=("workspace",))
class RestoreWorkspace(HostRequest, frozen=True):
    """Unlock the workspace."""

    workspace: WorkspaceId


@HOST.verb(Done, audit=("workspace",))
class PurgeWorkspace(HostRequest, frozen=True):
    """Remove a workspace for good that has been locked for the configured grace; CONFLICT before."""

    workspace: WorkspaceId


@HOST.verb(Done, access=Access.ADMIN, audit=("workspace",))
class DeleteWorkspace(HostRequest, frozen=True):
    """Kill all of the workspace, remove its files and its user. The uid and the id are never used again."""

    workspace: WorkspaceId
