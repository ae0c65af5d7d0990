"""What a workspace uses at this moment."""

from msgspec import structs

from api.auth import Scope
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, route
from api.schema import View
from shared.errors import Code, Fault


class FiguresView(View, frozen=True):
    """What runs, and what it uses, as the room itself sees it. Sizes are bytes; a limit that is null is none."""

    running: bool
    """Whether anything runs. If not, all counts are 0, and what only the room can tell is null."""
    processes: int = 0
    threads: int = 0
    """Of the processes that were looked into, as are `memory` and `cpu`."""
    memory: int = 0
    """Resident; what several processes share counts for each."""
    cpu: float = 0.0
    """Seconds that the processes have used, with children that have ended; less than before when others have ended."""
    partial: bool = False
    """Whether there are more processes than are looked into."""
    processes_limit: int | None = None
    open_files_limit: int | None = None
    """Of each process."""
    terminals: int = 0
    """Those whose program runs."""
    turns: int = 0
    """Those that run."""
    disk: int | None = None
    """What the home took when it was measured last; it is measured only where it has a limit."""
    disk_limit: int | None = None
    disk_total: int | None = None
    """Of the file system that holds the home, which others may fill too."""
    disk_free: int | None = None


@route(
    "GET",
    "/api/workspaces/{workspaceId}/figures",
    scope=Scope.USAGE_READ,
    summary="Show what a workspace uses now",
    errors=ROOM_ERRORS,
)
async def get_figures(ctx: Context) -> FiguresView:
    """It starts nothing and is no use of the workspace, so that a page may ask every few seconds."""
    try:
        found = await ctx.app.guests.get_figures(ctx.room)
    except Fault as fault:
        if fault.code is Code.NOT_RUNNING:
            return FiguresView(running=False)
        raise
    fields = structs.asdict(found)
    return FiguresView(running=True, **{name: fields[name] for name in fields.keys() - {"id"}})
