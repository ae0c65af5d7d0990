"""Tasks of a workspace: prompts that run as jobs."""

import time
from datetime import datetime
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta

from api.auth import Scope
from api.pages import PageQuery, decode_cursor, encode_cursor
from api.problems import invalid
from api.routes.log import LogPage, LogQuery, serve_log
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, Created, route
from api.schema import View
from api.streams import sse
from api.streams.logged import AnyLoggedView
from api.tasks.records import Plan, TaskStatus
from api.tasks.views import TaskDetailView, TaskView, task_detail_view, task_view
from shared.errors import Code, Fault
from shared.ids import new_task_id

AHEAD_MAX: Final = 366 * 86_400.0
"""Seconds for which a task can be put off."""


class NewTask(Plan, frozen=True):
    """What is to be done, and when."""

    not_before: Annotated[datetime, Meta(tz=True)] | None = None
    """It waits until then at least."""


class TaskQuery(PageQuery, frozen=True):
    """Which tasks."""

    status: TaskStatus | None = None


class TaskPage(View, frozen=True):
    """A page of tasks, newest first."""

    items: list[TaskView]
    next_cursor: str | None


@route(
    "POST",
    "/api/workspaces/{workspaceId}/tasks",
    scope=Scope.TASKS_WRITE,
    summary="Queue a task",
    errors=(Code.NOT_READY, Code.LIMIT, Code.TOO_LARGE),
    idempotent=True,
    resource=new_task_id,
)
async def create_task(ctx: Context, body: NewTask) -> Created[TaskDetailView]:
    """An agent works on the prompt when its turn has come: some tasks of a workspace run at a time, the others wait in order.

    It goes on when the server is restarted. With `attempts` it is tried again when it fails, after longer and longer pauses.
    """
    tasks = ctx.app.tasks
    body.check(tasks.settings)
    not_before = body.not_before.timestamp() if body.not_before else 0.0
    if not_before > time.time() + AHEAD_MAX:
        raise invalid(f"is at most {AHEAD_MAX / 86_400:g} days ahead", pointer="/notBefore")
    plan = Plan(**{name: getattr(body, name) for name in Plan.__struct_fields__})
    task = await tasks.create(ctx.room, ctx.resource_id, plan, by=ctx.principal.actor, not_before=not_before)
    ctx.app.runner.wake()
    return Created(body=task_detail_view(task), location=f"/api/workspaces/{ctx.room}/tasks/{task.id}")


@route(
    "GET",
    "/api/workspaces/{workspaceId}/tasks",
    scope=Scope.TASKS_READ,
    summary="List tasks, newest first",
    errors=(Code.NOT_READY,),
)
async def list_tasks(ctx: Context, query: TaskQuery) -> TaskPage:
    """Those that wait or run, and those that have ended and are still kept."""
    before = _place(query.cursor) if query.cursor else None
    found = await ctx.app.tasks.page(ctx.room, before, query.limit + 1, query.status)
    shown = found[: query.limit]
    last = f"{shown[-1].created!r} {shown[-1].id}" if len(found) > len(shown) else None
    return TaskPage(items=[task_view(task) for task in shown], next_cursor=encode_cursor(last) if last else None)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/tasks/{taskId}",
    scope=Scope.TASKS_READ,
    summary="Show a task",
    errors=(Code.NOT_READY,),
)
async def get_task(ctx: Context) -> TaskDetailView:
    """With its prompt, and what the agent said last."""
    return task_detail_view(await ctx.app.tasks.find(ctx.room, ctx.param("taskId")))


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}/tasks/{taskId}",
    scope=Scope.TASKS_WRITE,
    summary="Forget a task",
    errors=(Code.NOT_READY, Code.CONFLICT),
)
async def delete_task(ctx: Context) -> None:
    """One that has ended; its session stays."""
    await ctx.app.tasks.remove(ctx.room, ctx.param("taskId"))


@route(
    "POST",
    "/api/workspaces/{workspaceId}/tasks/{taskId}/cancel",
    scope=Scope.TASKS_WRITE,
    summary="Cancel a task",
    errors=(Code.NOT_READY,),
)
async def cancel_task(ctx: Context) -> TaskView:
    """One that waits is cancelled at once, one that runs when its agent has stopped. One that is over stays as it is."""
    return task_view(await ctx.app.runner.cancel(ctx.room, ctx.param("taskId")))


@route(
    "POST",
    "/api/workspaces/{workspaceId}/tasks/{taskId}/retry",
    scope=Scope.TASKS_WRITE,
    summary="Queue a task again",
    errors=(Code.NOT_READY, Code.LIMIT, Code.CONFLICT),
    idempotent=True,
)
async def retry_task(ctx: Context) -> TaskView:
    """One that failed or was cancelled, with all of its attempts, in a session of its own that is new."""
    task = await ctx.app.tasks.retry(ctx.room, ctx.param("taskId"))
    ctx.app.runner.wake()
    return task_view(task)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/tasks/{taskId}/log",
    scope=Scope.TASKS_READ,
    summary="Read or follow a task's log",
    errors=(*ROOM_ERRORS, Code.LIMIT),
    produces=sse.MEDIA_TYPE,
    events={"": AnyLoggedView, "end": sse.EndView},
)
async def get_task_log(ctx: Context, query: LogQuery) -> LogPage | web.StreamResponse:
    """Its session's log, from the first event of the latest attempt's turn on; as that is read or followed."""
    task = await ctx.app.tasks.find(ctx.room, ctx.param("taskId"))
    if task.session is None or task.turn is None:
        raise Fault(Code.NOT_READY, "the task has not begun")
    ctx.demand(Scope.TURNS_READ, ctx.target)
    turn = await ctx.app.guests.get_turn(ctx.room, task.session, task.turn)
    return await serve_log(ctx, task.session, max(query.after, turn.first - 1), query.limit)


def _place(cursor: str) -> tuple[float, str]:
    created, _, task = decode_cursor(cursor).partition(" ")
    try:
        return float(created), task
    except ValueError:
        raise invalid("not a cursor of this list", parameter="cursor") from None
