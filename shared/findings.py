"""What a check of this host has found: `hostelctl doctor` tells it, and the page of the administrators."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from shared.hostwire import HostStatus, LayerState

State = Literal["ok", "warning", "failed"]


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    state: State
    detail: str


def of_hostd(status: HostStatus, ours: str) -> Iterator[Finding]:
    """What hostd says of itself, its uids and the layers of a room's walls. `ours`: the version that is installed."""
    if status.version == ours:
        yield Finding("hostd", "ok", f"version {ours}, process {status.pid}, since {status.started}")
    else:
        yield Finding("hostd", "warning", f"it runs version {status.version}, and {ours} is installed: restart it")
    yield Finding("uids", "ok" if status.uids_left else "failed", f"{status.uids_left} are left for new workspaces")
    for layer in status.layers:
        state: State = "ok"
        if layer.state is not LayerState.ACTIVE:
            state = "failed" if layer.state is LayerState.REQUIRED else "warning"
        yield Finding(f"layer {layer.name}", state, f"{layer.state}: {layer.detail}" if layer.detail else layer.state)
