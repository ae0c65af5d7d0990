"""Agents, turns, permissions and the log."""

from guest.supervisor import Supervisor
from shared import turns
from shared.errors import Code, Fault
from shared.guestwire import turns as wire
from shared.link import Link


class TurnCalls:
    """Verbs about agents, turns, permissions and the log."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def list_agents(self, request: wire.ListAgents) -> wire.Agents:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def prompt(self, request: wire.Prompt) -> turns.TurnInfo:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def list_turns(self, request: wire.ListTurns) -> wire.Turns:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def get_turn(self, request: wire.GetTurn) -> turns.TurnInfo:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def cancel_turn(self, request: wire.CancelTurn) -> turns.TurnInfo:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def list_permissions(self, request: wire.ListPermissions) -> wire.Permissions:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def answer_permission(self, request: wire.AnswerPermission) -> turns.PermissionInfo:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def list_conversations(self, request: wire.ListConversations) -> wire.Conversations:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def configure_conversation(self, request: wire.ConfigureConversation) -> turns.ConversationInfo:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def list_events(self, request: wire.ListEvents) -> wire.EventPage:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")

    async def get_usage(self, request: wire.GetUsage) -> wire.UsageReport:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")


class TurnStreams:
    """The stream that follows a log."""

    def __init__(self, parts: Supervisor) -> None:
        """Stream from `parts`."""
        self._parts = parts

    async def follow_events(self, link: Link, request: wire.FollowEvents) -> None:
        """To be built."""
        raise Fault(Code.NOT_READY, "not built yet")
