"""Schedules of a workspace: tasks that the clock makes."""

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from api.auth import Scope
from api.problems import HttpCode
from api.routing import Answer, Context, Created, route
from api.schema import Body, View, moment
from api.tasks.records import Plan
from api.tasks.schedules import Missed, Schedule
from api.tasks.views import TaskView, task_view
from shared.errors import Code
from shared.ids import ScheduleId, WorkspaceId, new_schedule_id, new_task_id
from shared.rooms import Name

CronText = Annotated[str, Meta(min_length=1, max_length=200)]
ZoneName = Annotated[str, Meta(min_length=1, max_length=64)]
_COLUMNS: Final = ("name", "cron", "timezone", "missed", "enabled")


class NewSchedule(Body, frozen=True):
    """When, and what."""

    name: Name
    cron: CronText
    """Minute, hour, day of the month, month, day of the week."""
    task: Plan
    timezone: ZoneName = "UTC"
    """Of the IANA database."""
    missed: Missed = Missed.SKIP
    """What is done about runs that were missed while the server was away."""
    enabled: bool = True


class ScheduleChange(Body, frozen=True):
    """What to change; what is left out stays."""

    name: Name | UnsetType = UNSET
    cron: CronText | UnsetType = UNSET
    timezone: ZoneName | UnsetType = UNSET
    task: Plan | UnsetType = UNSET
    missed: Missed | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ScheduleView(View, frozen=True):
    """A schedule."""

    schedule_id: ScheduleId
    workspace_id: WorkspaceId
    name: str
    cron: str
    timezone: str
    task: Plan
    missed: Missed
    enabled: bool
    next_run_at: datetime | None
    """Null while it is not enabled."""
    last_run_at: datetime | None
    """The moment of the last run that the clock made."""
    created_at: datetime
    created_by: str
    updated_at: datetime


class Schedules(View, frozen=True):
    """All schedules of a workspace, oldest first."""

    items: list[ScheduleView]


@route(
    "POST",
    "/api/workspaces/{workspaceId}/schedules",
    scope=Scope.TASKS_WRITE,
    summary="Create a schedule",
    errors=(Code.NOT_READY, Code.LIMIT, Code.TOO_LARGE),
    idempotent=True,
    resource=new_schedule_id,
)
async def create_schedule(ctx: Context, body: NewSchedule) -> Created[ScheduleView]:
    """At each time that `cron` names in `timezone` a task is queued; it does not matter whether an earlier one still runs.

    Where clocks are set forward, a time that does not exist is the one that comes instead (02:30 becomes 03:30); where they are
    set back, one that comes twice fires the first time alone, unless the hours are `*` or `*/N`. Each time has one run, also
    when the clock is set back, or the server killed. What is late by more than a minute is missed: it is not run, or, with
    `missed: once`, once for all that was.
    """
    body.task.check(ctx.app.tasks.settings, "/task")
    values = {name: getattr(body, name) for name in _COLUMNS}
    made = await ctx.app.schedules.create(ctx.room, ctx.resource_id, body.task, by=ctx.principal.actor, **values)
    ctx.app.scheduler.wake()
    location = f"/api/workspaces/{ctx.room}/schedules/{made.id}"
    return Created(body=schedule_view(made), etag=made.etag, location=location)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/schedules",
    scope=Scope.TASKS_READ,
    summary="List schedules, oldest first",
    errors=(Code.NOT_READY,),
)
async def list_schedules(ctx: Context) -> Schedules:
    """When each has run, and will run."""
    return Schedules(items=[schedule_view(found) for found in await ctx.app.schedules.all(ctx.room)])


@route(
    "GET",
    "/api/workspaces/{workspaceId}/schedules/{scheduleId}",
    scope=Scope.TASKS_READ,
    summary="Show a schedule",
    errors=(Code.NOT_READY,),
)
async def get_schedule(ctx: Context) -> Answer[ScheduleView]:
    """When it has run, and will run."""
    found = await ctx.app.schedules.find(ctx.room, ctx.param("scheduleId"))
    return Answer(body=schedule_view(found), etag=found.etag)


@route(
    "PATCH",
    "/api/workspaces/{workspaceId}/schedules/{scheduleId}",
    scope=Scope.TASKS_WRITE,
    summary="Change a schedule",
    errors=(Code.NOT_READY, Code.TOO_LARGE, HttpCode.PRECONDITION_FAILED),
)
async def change_schedule(ctx: Context, body: ScheduleChange) -> Answer[ScheduleView]:
    """With another cron, time zone or `enabled`, the next run is the first from now on. With `If-Match` only as it was seen."""
    known = await ctx.app.schedules.find(ctx.room, ctx.param("scheduleId"))
    ctx.check_match(known.etag)
    given: dict[str, Any] = {name: getattr(body, name) for name in _COLUMNS}
    plan = None if body.task is UNSET else body.task
    if plan is not None:
        plan.check(ctx.app.tasks.settings, "/task")
    changes = {name: value for name, value in given.items() if value is not UNSET}
    changed = await ctx.app.schedules.change(known, plan=plan, **changes)
    ctx.app.scheduler.wake()
    return Answer(body=schedule_view(changed), etag=changed.etag)


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}/schedules/{scheduleId}",
    scope=Scope.TASKS_WRITE,
    summary="Delete a schedule",
    errors=(Code.NOT_READY,),
)
async def delete_schedule(ctx: Context) -> None:
    """Tasks that it has made stay, and go on."""
    await ctx.app.schedules.remove(ctx.room, ctx.param("scheduleId"))


@route(
    "POST",
    "/api/workspaces/{workspaceId}/schedules/{scheduleId}/run",
    scope=Scope.TASKS_WRITE,
    summary="Run a schedule's task now",
    errors=(Code.NOT_READY, Code.LIMIT),
    idempotent=True,
    resource=new_task_id,
)
async def run_schedule(ctx: Context) -> Created[TaskView]:
    """Whether it is enabled or not; its own times stay as they are."""
    found = await ctx.app.schedules.find(ctx.room, ctx.param("scheduleId"))
    task = await ctx.app.tasks.create(ctx.room, ctx.resource_id, found.plan, by=ctx.principal.actor, schedule=found.id)
    ctx.app.runner.wake()
    return Created(body=task_view(task), location=f"/api/workspaces/{ctx.room}/tasks/{task.id}")


def schedule_view(found: Schedule) -> ScheduleView:
    """What is shown of a schedule."""
    return ScheduleView(
        schedule_id=found.id,
        workspace_id=found.workspace,
        name=found.name,
        cron=found.cron,
        timezone=found.timezone,
        task=found.plan,
        missed=found.missed,
        enabled=found.enabled,
        next_run_at=None if found.next is None else moment(found.next),
        last_run_at=None if found.last is None else moment(found.last),
        created_at=moment(found.created),
        created_by=found.created_by,
        updated_at=moment(found.updated),
    )
