"""Agents, and their conversations in sessions."""

from api.auth import Scope
from api.problems import invalid
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, route
from api.schema import Body, Query, View
from api.turns import AgentView, ConversationView, agent_view, conversation_view
from shared.errors import Code
from shared.guestwire.turns import ConfigureConversation
from shared.ids import WorktreeId
from shared.turns import Choice


class Agents(View, frozen=True):
    """The agents that there are."""

    items: list[AgentView]


class Conversations(View, frozen=True):
    """The conversations of a session."""

    items: list[ConversationView]


class ConversationQuery(Query, frozen=True):
    """Where the agent works."""

    worktree: WorktreeId | None = None
    """One of the session's worktrees; without it, the session itself."""


class ConversationChange(Body, frozen=True):
    """What to choose; what is left out stays."""

    mode: Choice | None = None
    model: Choice | None = None


@route(
    "GET",
    "/api/workspaces/{workspaceId}/agents",
    scope=Scope.AGENTS_READ,
    summary="List the agents",
    errors=ROOM_ERRORS,
)
async def list_agents(ctx: Context) -> Agents:
    """Whether each is installed, and whether the workspace has a credential for it."""
    found = await ctx.app.guests.list_agents(ctx.room)
    return Agents(items=[agent_view(info) for info in found.items])


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/agents",
    scope=Scope.AGENTS_READ,
    summary="List the agents that have worked in a session",
    errors=ROOM_ERRORS,
)
async def list_conversations(ctx: Context) -> Conversations:
    """One for each agent and worktree, with the modes and models that it offers."""
    found = await ctx.app.guests.list_conversations(ctx.room, ctx.param("sessionId"))
    return Conversations(items=[conversation_view(ctx.room, info) for info in found.items])


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/agents/{agentName}",
    scope=Scope.TURNS_WRITE,
    summary="End an agent's process",
    errors=(*ROOM_ERRORS, Code.CONFLICT),
)
async def close_conversation(ctx: Context, query: ConversationQuery) -> None:
    """Its conversation stays: the next prompt goes on with it, and until then it can be resumed in a terminal."""
    await ctx.app.guests.close_conversation(ctx.room, ctx.param("sessionId"), ctx.param("agentName"), query.worktree)


@route(
    "PATCH",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/agents/{agentName}",
    scope=Scope.TURNS_WRITE,
    summary="Choose an agent's mode or model",
    errors=ROOM_ERRORS,
)
async def configure_conversation(ctx: Context, body: ConversationChange, query: ConversationQuery) -> ConversationView:
    """For the prompts that follow, in this session or the worktree."""
    if body.mode is None and body.model is None:
        raise invalid("`mode` or `model` is needed", pointer="/mode")
    request = ConfigureConversation(
        session=ctx.param("sessionId"),
        agent=ctx.param("agentName"),
        worktree=query.worktree,
        mode=body.mode,
        model=body.model,
        secrets=await ctx.app.secrets.of(ctx.room, ctx.param("sessionId")),
    )
    info = await ctx.app.guests.configure_conversation(ctx.room, request)
    return conversation_view(ctx.room, info)
