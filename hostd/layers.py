"""Which layers a room's walls have on this machine: probed once at the start; `shared.layers` says what each is."""

import socket
from functools import partial
from typing import Final

from hostd.cgroups import Cgroups
from hostd.launch import hear, probe
from hostd.processes import fork

_PROBE_DEADLINE: Final = 10.0


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
