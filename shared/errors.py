"""The closed list of what can go wrong, on every hop."""

import enum


class Code(enum.StrEnum):
    """A failure that a peer may be told of. Anything else is logged and answered as INTERNAL."""

    BAD_REQUEST = "bad_request"
    """The message is malformed or a value is out of its range."""
    VERSION = "version"
    """The peer speaks another version of the protocol."""
    UNAUTHORIZED = "unauthorized"
    """The credential is missing, wrong, expired or used up."""
    FORBIDDEN = "forbidden"
    """The peer is known, and may not do this."""
    NOT_FOUND = "not_found"
    """There is no such thing, or it is not yours."""
    GONE = "gone"
    """It existed and was deleted; its id is never used again."""
    CONFLICT = "conflict"
    """It exists already in another shape, or its state does not allow this."""
    STALE = "stale"
    """It is not, or no longer, the version that the caller named."""
    NOT_READY = "not_ready"
    """It is still being made, or could not be made."""
    NOT_RUNNING = "not_running"
    """Nothing of that workspace runs, and the caller did not ask to start it."""
    BUSY = "busy"
    """The same thing is being done right now; try again."""
    LIMIT = "limit"
    """A quota is used up."""
    BUDGET = "budget"
    """The workspace has spent what it may."""
    TOO_LARGE = "too_large"
    """More bytes than are accepted."""
    TIMEOUT = "timeout"
    """It took longer than its deadline."""
    FAILED = "failed"
    """A program that was run for this failed; the message says how."""
    UNAVAILABLE = "unavailable"
    """The other side cannot be reached."""
    GUEST_MISBEHAVED = "guest_misbehaved"
    """A workspace's guest broke the protocol. Only api says this."""
    INTERNAL = "internal"
    """A defect of hostel; the log says more."""


class Fault(Exception):  # noqa: N818  # a fault is an answer, not an error of ours
    """A failure with a code and a message that may be shown to whoever asked.

    `message` must hold no secret and nothing of another tenant.
    """

    def __init__(self, code: Code, message: str) -> None:
        """Keep the code and the message."""
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """`code: message`, for logs."""
        return f"{self.code}: {self.message}"
