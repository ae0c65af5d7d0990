"""The verb about what a workspace uses at this moment."""

from typing import Annotated

from msgspec import Meta

from shared.guestwire.protocol import GUEST
from shared.messages import Reply, Request

Figure = Annotated[int, Meta(ge=0, le=2**53)]


class Figures(Reply, frozen=True):
    """What runs, and what it uses. Sizes are bytes; None is not known, and of a limit that there is none."""

    processes: Figure
    threads: Figure
    """Of the processes that were looked into, as are `memory` and `cpu`."""
    memory: Figure
    """Resident; what several processes share counts for each."""
    cpu: Annotated[float, Meta(ge=0, le=2**53)]
    """Seconds, with those of children that have ended and were waited for. What ends otherwise is not counted any more."""
    partial: bool
    """Whether there are more processes than are looked into."""
    processes_limit: Figure | None
    open_files_limit: Figure | None
    """Of each process."""
    terminals: Figure
    """Those whose program runs."""
    turns: Figure
    """Those that run."""
    disk: Figure | None
    """What the home takes, when that was measured last; only with a limit is it measured."""
    disk_limit: Figure | None
    disk_total: Figure | None
    """Of the file system that holds the home, which others may fill too."""
    disk_free: Figure | None


@GUEST.verb(Figures)
class GetFigures(Request, frozen=True):
    """What the workspace uses. To ask is no use of anything, and does not keep the guest."""
