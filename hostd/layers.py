"""Which layers a room's walls have on this machine: probed once at the start, shown by `Status`."""

import socket
from collections.abc import Mapping
from functools import partial
from typing import Final

from hostd.cgroups import Cgroups
from hostd.launch import hear, probe
from hostd.processes import fork
from shared.hostwire import Layer, LayerState

_PROBE_DEADLINE: Final = 10.0
_ALWAYS: Final = {
    "account": "a Linux user and group of its own, no other group",
    "capabilities": "none, and none can be had (bounding set, no_new_privs); proved before each exec",
    "environment": "built from nothing",
    "descriptors": "closed, but for those that are passed",
    "limits": "processes, open files, no core files",
}
_DEPENDS: Final = {
    "mounts": "a mount namespace of its own",
    "private-tmp": "/tmp and /var/tmp of its own",  # noqa: S108  # text
    "hidden-processes": "no process of another user is seen",
    "ipc": "System V and POSIX shared memory and queues of its own",
}


async def missing_layers(tmp: str, cgroups: Cgroups) -> dict[str, str]:
    """The layers that this machine does not give, and why, found by entering them. `tmp` is any folder."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            child = fork(partial(probe, tmp, ours.fileno(), theirs.fileno()))
        ours.settimeout(0)
        report = await hear(ours, _PROBE_DEADLINE)
    await child.wait()
    report.check()
    return report.missing if cgroups.kind != "none" else {**report.missing, "cgroup": cgroups.detail}


def describe(missing: Mapping[str, str], require: tuple[str, ...], cgroups: Cgroups) -> list[Layer]:
    """All layers, for a person to read."""
    layers = [Layer(name, LayerState.ACTIVE, detail) for name, detail in _ALWAYS.items()]
    for name, detail in {"cgroup": f"{cgroups.kind}: {cgroups.detail}", **_DEPENDS}.items():
        if name not in missing:
            layers.append(Layer(name, LayerState.ACTIVE, detail))
        else:
            layers.append(Layer(name, LayerState.REQUIRED if name in require else LayerState.MISSING, missing[name]))
    return layers
