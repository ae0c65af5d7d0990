"""How messages are declared: tagged msgspec structs, one closed union per direction, each verb said once.

A verb is a `Request` class decorated with `Protocol.verb`; its wire name is the class's name in snake case, which is also
the name of the handler that answers it and of the client method that calls it. Tests sweep all three.
"""

import enum
import re
from collections.abc import Callable
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any, Final, TypeVar, Union

import msgspec

from shared.errors import Code, Fault
from shared.frames import HEADER
from shared.secret import decode_hook, encode_hook

VERSION: Final = 1
"""Of both protocols; it is in the first frame of each direction."""


def snake(name: str) -> str:
    """`CreateWorkspace` -> `create_workspace`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Message(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="t",
    tag=snake,
):
    """Anything in a frame. `t` names the type."""


class Request(Message, frozen=True, kw_only=True):
    """A call. `id` is the caller's, and comes back in the answer; the caller's link sets it."""

    id: int = 0


class Reply(Message, frozen=True, kw_only=True):
    """An answer to the request with the same `id`."""

    id: int = 0


class Hello(Message, frozen=True):
    """The first frame of a caller."""

    version: int


class Welcome(Message, frozen=True):
    """The first frame of a server: its protocol version."""

    version: int


class Done(Reply, frozen=True):
    """It is done, and there is nothing to tell."""


class Failure(Reply, frozen=True):
    """It is not done."""

    code: Code
    message: str


class Access(enum.Enum):
    """Which peers may call a verb of hostd, by the uid that the kernel gives."""

    API = "api"
    """The `hostel` user, and root."""
    ADMIN = "admin"
    """Root alone."""


R = TypeVar("R", bound=type[Request])
M = TypeVar("M", bound=type[Message])


class Verb(msgspec.Struct, frozen=True):
    """One entry of a protocol's closed table."""

    name: str
    request: type[Request]
    reply: type[Reply]
    access: Access
    audit: tuple[str, ...] | None
    """Fields of the request that its audit record shows, no secret among them; None: only a refusal becomes a record."""

    def admit(self, uid: int) -> None:
        """Raise FORBIDDEN unless a peer of that uid, which may connect, may call it."""
        if self.access is Access.ADMIN and uid != 0:
            raise Fault(Code.FORBIDDEN, "root alone may do this")


class Protocol:
    """A closed table of verbs, and the unions of what may travel each way."""

    def __init__(self, name: str) -> None:
        """A table without verbs; the first frames and the answers that every protocol has."""
        self.name = name
        self.verbs: dict[str, Verb] = {}
        self._to_server: list[type[Message]] = [Hello]
        self._to_caller: list[type[Message]] = [Welcome, Done, Failure]

    def to_server(self, message: M) -> M:
        """Declare the decorated message as one that a caller may send inside a stream."""
        self._to_server.append(message)
        return message

    def to_caller(self, message: M) -> M:
        """Declare the decorated message as one that a server may send inside a stream."""
        self._to_caller.append(message)
        return message

    def verb(self, reply: type[Reply], *, access: Access = Access.API, audit: tuple[str, ...] | None = ()) -> Callable[[R], R]:
        """Declare the decorated request as a verb that is answered with `reply`. One that only reads has no `audit`."""

        def declare(request: R) -> R:
            name = snake(request.__name__)
            self.verbs[name] = Verb(name, request, reply, access, audit)
            return request

        return declare

    def handlers(self, owner: object, *, beside: str) -> dict[str, Callable[..., Any]]:
        """The public coroutines of `owner` but `beside`, by name; RuntimeError unless they are exactly the verbs'."""
        names = {name for name in dir(owner) if not name.startswith("_") and name != beside}
        table = {name: getattr(owner, name) for name in names if iscoroutinefunction(getattr(owner, name))}
        if wrong := table.keys() ^ self.verbs.keys():
            raise RuntimeError(f"verbs and handlers differ: {', '.join(sorted(wrong))}")
        return table

    @cached_property
    def requests(self) -> tuple[type[Message], ...]:
        """What a caller may send."""
        verbs: list[type[Message]] = [verb.request for verb in self.verbs.values()]
        return (*self._to_server, *verbs)

    @cached_property
    def replies(self) -> tuple[type[Message], ...]:
        """What a server may send."""
        replies: list[type[Message]] = [verb.reply for verb in self.verbs.values()]
        return tuple(dict.fromkeys((*self._to_caller, *replies)))

    @cached_property
    def request_decoder(self) -> "msgspec.msgpack.Decoder[Message]":
        """Decodes what a caller sends."""
        return _decoder(self.requests)

    @cached_property
    def reply_decoder(self) -> "msgspec.msgpack.Decoder[Message]":
        """Decodes what a server sends."""
        return _decoder(self.replies)


def _decoder(types: tuple[type[Message], ...]) -> "msgspec.msgpack.Decoder[Message]":
    union: Any = Union[types]  # noqa: UP007  # the members are known at run time only
    return msgspec.msgpack.Decoder(union, dec_hook=decode_hook)


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=encode_hook)


def encode(message: Message) -> bytes:
    """The payload that carries `message`."""
    return _encoder.encode(message)


def frame(message: Message) -> bytearray:
    """The frame that carries `message`, made without a copy in between."""
    framed = bytearray(HEADER.size)
    _encoder.encode_into(message, framed, HEADER.size)
    HEADER.pack_into(framed, 0, len(framed) - HEADER.size)
    return framed


def decode(decoder: "msgspec.msgpack.Decoder[Message]", payload: bytes | memoryview) -> Message:
    """The message in `payload`; Fault BAD_REQUEST when it is not one of the union's."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # msgspec's own message names fields and types, never values; a UnicodeDecodeError would quote the bytes.
        reason = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise Fault(Code.BAD_REQUEST, f"malformed message: {reason}") from None


def rejection(error: Fault, request_id: int = 0) -> Failure:
    """The failure that tells a peer of `error`."""
    return Failure(id=request_id, code=error.code, message=error.message)
