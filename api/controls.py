"""The text frames of a terminal's WebSocket: JSON objects whose `type` names them."""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct, field

from shared.errors import Code, Fault
from shared.rooms import Columns, Rows, Seq

CONTROL_MAX: Final = 4096
"""Characters in a control frame from a client."""


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """A control frame."""


class ResizeControl(Control, frozen=True, tag="resize"):
    """This viewer's size."""

    cols: Columns
    rows: Rows


class PingControl(Control, frozen=True, tag="ping"):
    """Is the server there? Answered by `pong`."""


class ResumeControl(Control, frozen=True, tag="resume"):
    """Begin the stream again at byte number `after`. Answered by `ready`."""

    after: Seq


class AckControl(Control, frozen=True, tag="ack"):
    """All bytes before number `seq` are dealt with, and make room in the window."""

    seq: Seq


class ReadyControl(Control, frozen=True, tag="ready"):
    """The stream begins: the next byte is number `seq`."""

    terminal_id: str = field(name="terminalId")
    seq: int
    cols: int
    rows: int
    viewers: int
    read_only: bool = field(name="readOnly")
    """Whether this viewer may only look."""


class PongControl(Control, frozen=True, tag="pong"):
    """The server is there."""

    shutdown_deadline: datetime | None = field(name="shutdownDeadline")
    """When the terminal is ended, unless its session is used before; null for never."""
    printed: int | None
    """How many bytes the terminal had printed some seconds ago at most; null while the guest does not say."""


class ExitCodeControl(Control, frozen=True, tag="exit"):
    """The program ended by itself."""

    code: int


class ExitSignalControl(Control, frozen=True, tag="exit"):
    """A signal ended the program."""

    signal: str


class ViewersControl(Control, frozen=True, tag="viewers"):
    """How many look at this terminal, and the size that they agreed on."""

    count: int
    cols: int
    rows: int


class ErrorControl(Control, frozen=True, tag="error"):
    """Something is wrong. When it is recoverable, nothing has changed and the connection goes on, or can be made again."""

    code: str
    message: str
    recoverable: bool


ClientControl = ResizeControl | PingControl | ResumeControl | AckControl
_decoder: Final[msgspec.json.Decoder[ClientControl]] = msgspec.json.Decoder(ClientControl)
_encode: Final = msgspec.json.Encoder().encode


def decode(text: str) -> ClientControl:
    """The control frame that a client sent. Raises Fault BAD_REQUEST, or TOO_LARGE when it has too many characters."""
    if len(text) > CONTROL_MAX:
        raise Fault(Code.TOO_LARGE, f"a control frame has at most {CONTROL_MAX} characters")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else "not UTF-8"
        raise Fault(Code.BAD_REQUEST, f"not a control frame: {reason}") from None


def encode(control: Control) -> str:
    """The text of a control frame."""
    return _encode(control).decode()
