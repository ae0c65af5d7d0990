"""JSON-RPC 2.0 as MCP speaks it over streamable HTTP (modelcontextprotocol.io/specification).

There are two eras. Up to 2025-11-25 a client begins with `initialize`, and names the agreed revision in a header from then on.
From 2026-07-28 on each request stands alone: it names its revision in `_meta`, and headers repeat what it is about. Neither
needs a session here, so none is kept.
"""

import base64
import binascii
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from multidict import MultiMapping

HANDSHAKE: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""The revisions that begin with `initialize`."""
MODERN: Final = "2026-07-28"
"""The revision whose requests stand alone."""
BATCHING: Final = frozenset(HANDSHAKE[:2])
"""The revisions that know batches."""
SILENT: Final = "2025-03-26"
"""What a client speaks that sends no version: the first revision with streamable HTTP."""
BATCH_MAX: Final = 20
"""Messages in a batch."""
VERSION_HEADER: Final = "MCP-Protocol-Version"
_METHOD_HEADER: Final = "Mcp-Method"
_NAME_HEADER: Final = "Mcp-Name"
_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
_SHOWN: Final = 100
"""Characters that are repeated of what a client made up."""


class ErrorCode(enum.IntEnum):
    """The codes of JSON-RPC, and those that MCP adds."""

    PARSE = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    HEADER_MISMATCH = -32020
    UNSUPPORTED_VERSION = -32022


_STATUS: Final[Mapping[ErrorCode, int]] = MappingProxyType(dict.fromkeys(ErrorCode, 400) | {ErrorCode.METHOD_NOT_FOUND: 404})


class RpcError(Exception):
    """Why a message cannot be answered. Tools that fail are results, not this."""

    def __init__(self, code: ErrorCode, message: str, data: object = None) -> None:
        """All of it is shown to the client."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def status(self) -> int:
        """The HTTP status of the modern era, and of what could not be read in either."""
        return _STATUS[self.code]


RequestId = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | Annotated[str, Meta(max_length=1000)]


class Message(Struct, frozen=True):
    """A request; a notification when it has no id."""

    jsonrpc: Literal["2.0"]
    method: Annotated[str, Meta(max_length=200)]
    id: RequestId | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET

    @property
    def arguments(self) -> dict[str, Any]:
        """Its params."""
        return {} if self.params is UNSET else self.params

    @property
    def envelope(self) -> dict[str, Any]:
        """What says how it is meant."""
        meta = self.arguments.get("_meta")
        return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True)
class Post:
    """What one HTTP request carries."""

    messages: tuple[Message, ...]
    """Those that want something: what a client answers, to questions that nobody asked, is left out."""
    batch: bool
    modern: bool


def read(raw: bytes, headers: MultiMapping[str]) -> Post:
    """The messages of a body. Raises RpcError for what is none of this protocol."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise RpcError(ErrorCode.PARSE, "the body is not valid JSON in UTF-8") from None
    version = _header(headers, VERSION_HEADER)
    if version is not None and version not in (*HANDSHAKE, MODERN):
        raise unsupported(version)
    if isinstance(found, list):
        if (version or SILENT) not in BATCHING:
            raise RpcError(ErrorCode.INVALID_REQUEST, "this revision has no batches")
        if not 0 < len(found) <= BATCH_MAX:
            raise RpcError(ErrorCode.INVALID_REQUEST, f"a batch has 1 to {BATCH_MAX} messages")
        return Post(tuple(_message(item) for item in found if not _is_answer(item)), batch=True, modern=False)
    if _is_answer(found):
        return Post((), batch=False, modern=version == MODERN)
    message = _message(found)
    modern = version == MODERN or _VERSION_KEY in message.envelope
    if modern and message.id is not UNSET:
        _check_envelope(message, headers)
    return Post((message,), batch=False, modern=modern)


def unsupported(version: str) -> RpcError:
    """What is said of a revision that is not spoken here."""
    data = {"supported": [*HANDSHAKE, MODERN], "requested": version[:_SHOWN]}
    return RpcError(ErrorCode.UNSUPPORTED_VERSION, "this server does not speak that revision", data)


def _is_answer(found: object) -> bool:
    return isinstance(found, dict) and "method" not in found and ("result" in found or "error" in found)


def _message(found: object) -> Message:
    try:
        return msgspec.convert(found, Message)
    except msgspec.ValidationError:
        text = "a JSON-RPC 2.0 request or notification is expected: `jsonrpc`, `method`, perhaps `id` and `params`"
        raise RpcError(ErrorCode.INVALID_REQUEST, text) from None


def _check_envelope(message: Message, headers: MultiMapping[str]) -> None:
    """Refuse a request that does not say what its revision wants it to say, or says it twice and differently."""
    missing = [key for key in (_VERSION_KEY, _CAPABILITIES_KEY) if key not in message.envelope]
    if missing:
        raise RpcError(ErrorCode.INVALID_PARAMS, f"`params._meta` lacks {', '.join(missing)}")
    version = message.envelope[_VERSION_KEY]
    repeated = [(VERSION_HEADER, version), (_METHOD_HEADER, message.method)]
    if message.method == "tools/call":
        repeated.append((_NAME_HEADER, message.arguments.get("name")))
    for name, value in repeated:
        if _header(headers, name) != value:
            raise RpcError(ErrorCode.HEADER_MISMATCH, f"the header {name} and the body differ")
    if version != MODERN:
        raise unsupported(version)


def _header(headers: MultiMapping[str], name: str) -> str | None:
    """A header's value; what cannot be a header as it is comes as `=?base64?…?=`."""
    given = headers.getall(name, [])
    if len(given) > 1:
        raise RpcError(ErrorCode.HEADER_MISMATCH, f"the header {name} is given more than once")
    if not given or not (given[0].startswith("=?base64?") and given[0].endswith("?=")):
        return given[0].strip() if given else None
    try:
        return base64.b64decode(given[0][len("=?base64?") : -len("?=")], validate=True).decode()
    except (binascii.Error, ValueError):
        raise RpcError(ErrorCode.HEADER_MISMATCH, f"the header {name} is not valid base64") from None
