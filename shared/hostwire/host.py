"""hostd itself, and the machine that it runs on."""

import enum

from msgspec import Struct

from shared.hostwire.protocol import HOST, HostRequest
from shared.messages import Access, Reply


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


@HOST.verb(HostStatus, audit=None)
class Status(HostRequest, frozen=True):
    """The state of hostd and of the layers that this machine gives."""


class MasterRotated(Reply, frozen=True):
    """The master key was replaced."""

    resealed: int
    """Workspaces whose credentials are sealed under the new key."""


@HOST.verb(MasterRotated, access=Access.ADMIN)
class RotateMaster(HostRequest, frozen=True):
    """Make a new master key, seal all credentials under it, forget the old one. One that was cut short may be repeated."""
