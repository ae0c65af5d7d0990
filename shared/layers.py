"""The layers of a room's walls, by name: what each is, and how it stands on a machine."""

from collections.abc import Mapping
from typing import Final

from shared.hostwire import Layer, LayerState

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


def describe(missing: Mapping[str, str], require: tuple[str, ...], cgroups: str) -> list[Layer]:
    """All layers, for a person to read. `missing`: why, by name; `cgroups`: the kind of tree, and what is known of it."""
    layers = [Layer(name, LayerState.ACTIVE, detail) for name, detail in _ALWAYS.items()]
    for name, detail in {"cgroup": cgroups, **_DEPENDS}.items():
        if name not in missing:
            layers.append(Layer(name, LayerState.ACTIVE, detail))
        else:
            layers.append(Layer(name, LayerState.REQUIRED if name in require else LayerState.MISSING, missing[name]))
    return layers
