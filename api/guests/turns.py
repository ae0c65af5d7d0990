"""The verbs about agents, their turns, permissions and the log."""

from api.guests.connections import Connections, Stream
from shared.guestwire.turns import (
    Agents,
    AnswerPermission,
    CancelTurn,
    CloseConversation,
    ConfigureConversation,
    Conversations,
    EventPage,
    FollowEvents,
    Following,
    GetTurn,
    GetUsage,
    ListAgents,
    ListConversations,
    ListEvents,
    ListPermissions,
    ListTurns,
    Permissions,
    Prompt,
    Turns,
    UsageReport,
)
from shared.messages import Done
from shared.turns import ConversationInfo, PermissionInfo, TurnInfo


class TurnVerbs(Connections):
    """The verbs about agents, their turns, permissions and the log."""

    async def list_agents(self, workspace: str) -> Agents:
        """The agents of the registry, and whether each can be used."""
        return await self.call(workspace, ListAgents(), Agents)

    async def prompt(self, workspace: str, request: Prompt) -> TurnInfo:
        """Begin a turn, or answer it when it has begun already."""
        return await self.call(workspace, request, TurnInfo)

    async def list_turns(self, workspace: str, session: str, before: str | None, limit: int) -> Turns:
        """A page of the session's turns, newest first."""
        return await self.call(workspace, ListTurns(session=session, before=before, limit=limit), Turns)

    async def get_turn(self, workspace: str, session: str, turn: str) -> TurnInfo:
        """One turn."""
        return await self.call(workspace, GetTurn(session=session, turn=turn), TurnInfo)

    async def cancel_turn(self, workspace: str, session: str, turn: str) -> TurnInfo:
        """Ask the agent to stop."""
        return await self.call(workspace, CancelTurn(session=session, turn=turn), TurnInfo)

    async def list_permissions(self, workspace: str, session: str, *, waiting: bool) -> Permissions:
        """Permissions of the session, oldest first."""
        return await self.call(workspace, ListPermissions(session=session, waiting=waiting), Permissions)

    async def answer_permission(self, workspace: str, session: str, permission: str, option: str | None) -> PermissionInfo:
        """Answer; CONFLICT when it was answered."""
        request = AnswerPermission(session=session, permission=permission, option=option)
        return await self.call(workspace, request, PermissionInfo)

    async def list_conversations(self, workspace: str, session: str) -> Conversations:
        """The agents that have worked in the session."""
        return await self.call(workspace, ListConversations(session=session), Conversations)

    async def configure_conversation(self, workspace: str, request: ConfigureConversation) -> ConversationInfo:
        """Choose a mode or a model."""
        return await self.call(workspace, request, ConversationInfo)

    async def close_conversation(self, workspace: str, session: str, agent: str, worktree: str | None) -> Done:
        """End the agent's process, and keep its conversation."""
        return await self.call(workspace, CloseConversation(session=session, agent=agent, worktree=worktree), Done)

    async def list_events(self, workspace: str, session: str, after: int, limit: int) -> EventPage:
        """Events of the session's log that follow number `after`."""
        return await self.call(workspace, ListEvents(session=session, after=after, limit=limit), EventPage)

    async def follow_events(self, workspace: str, session: str, after: int, *, start: bool = True) -> tuple[Following, Stream]:
        """The stream of events that follow number `after`; the guest has the log."""
        return await self.stream(workspace, FollowEvents(id=1, session=session, after=after), Following, start=start)

    async def get_usage(self, workspace: str, since: str, until: str, session: str | None) -> UsageReport:
        """What turns used between two days."""
        return await self.call(workspace, GetUsage(since=since, until=until, session=session), UsageReport)
