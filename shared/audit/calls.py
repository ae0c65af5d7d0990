"""Which calls of hostd are recorded, and what of them."""

from shared import hostwire as wire
from shared.audit import log
from shared.errors import Code
from shared.messages import Failure, Reply, Request, Verb


def telling(verb: Verb, reply: Reply) -> bool:
    """Whether a call is worth a record: what only reads is not, nor to enter a room that is open."""
    match reply:
        case Failure(code=Code.FORBIDDEN):
            return True
        case Failure(code=Code.NOT_RUNNING):
            return False
        case wire.Entered(started=started):
            return started
    return verb.audit is not None


def event(verb: Verb, request: Request, reply: Reply) -> wire.AuditEvent:
    """What its record says: of the request only the fields that the verb's declaration names."""
    shown = {name: getattr(request, name) for name in verb.audit or ()}
    return wire.AuditEvent(
        action=verb.name,
        outcome=str(reply.code) if isinstance(reply, Failure) else log.OK,
        origin=(request.origin if isinstance(request, wire.HostRequest) else None) or wire.Origin(),
        workspace=shown.pop("workspace", None),
        target=" ".join(f"{name}={value}" for name, value in shown.items())[:128],
    )
