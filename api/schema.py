"""What every request and reply type of the public API has in common, and the strict way in.

Names are camelCase on the wire. A body is decoded into its struct or refused with a pointer to the field; the values of a
refused body are never repeated, since they may be secrets.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from multidict import MultiMapping

from api.problems import FieldError, HttpCode, Problem
from shared.choices import choices, readable
from shared.errors import Code
from shared.rooms import RULES
from shared.secret import Secret, decode_hook


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of what a client sends."""


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of the query parameters of a route."""


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is answered. A `Secret` in it cannot be encoded: what is shown once is revealed by its handler."""


T = TypeVar("T")

_PATH: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`")
_SHOWN: Final = 100
"""Characters that are repeated of a name that a client made up."""

_RULES: Final = {f"Expected `str` matching regex {pattern!r}": rule for pattern, rule in RULES.items()}

encode: Final = msgspec.json.Encoder().encode


def decoder(kind: type[T]) -> "msgspec.json.Decoder[T]":
    """A decoder of bodies of that type."""
    return msgspec.json.Decoder(kind, dec_hook=decode_hook)


def decode(json_decoder: "msgspec.json.Decoder[T]", raw: bytes) -> T:
    """The body. Raises Problem: 400 when it is not JSON, 422 when a field is wrong or comes twice."""
    try:
        value = json_decoder.decode(raw)
        json.loads(raw, object_pairs_hook=_without_duplicates)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), json_decoder.type) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        # UnicodeDecodeError is a ValueError, and would quote the bytes.
        raise Problem(Code.BAD_REQUEST, "the body is not valid JSON in UTF-8") from None
    return value


def convert_query(kind: type[T], given: MultiMapping[str]) -> T:
    """The query parameters. Raises Problem 422 for one that is unknown, comes twice or has a wrong value."""
    values = dict(given)
    if len(values) != len(given):
        name = next(name for name in values if len(given.getall(name)) > 1)
        raise _bad_parameter(name, "is given more than once")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        what, path = _parts(str(error), kind)
        unknown, missing = _UNKNOWN.fullmatch(what), _MISSING.fullmatch(what)
        if unknown or missing:
            name, what = (unknown["name"], "is unknown") if unknown else (missing["name"] if missing else "", "is needed")
            raise _bad_parameter(name, what) from None
        raise _bad_parameter(path.lstrip("/"), what) from None


def moment(seconds: float) -> datetime:
    """A time of the store as replies show it."""
    return datetime.fromtimestamp(seconds, UTC)


def schema_hook(kind: type) -> dict[str, Any]:
    """How a `Secret` looks in a schema. For any other type it raises what msgspec takes as "not mine"."""
    if kind is Secret:
        return {"type": "string", "format": "password", "writeOnly": True}
    raise NotImplementedError(kind)


def _bad_parameter(name: str, what: str) -> Problem:
    name = name[:_SHOWN]
    return Problem(HttpCode.INVALID, f"query parameter `{name}`: {what}", errors=(FieldError(what, parameter=name),))


def _refusal(message: str, kind: object) -> Problem:
    what, pointer = _parts(message, kind)
    unknown = _UNKNOWN.fullmatch(what)
    if unknown:
        what, pointer = "unknown field", f"{pointer}/{_escaped(unknown['name'][:_SHOWN])}"
    return Problem(HttpCode.INVALID, f"{pointer or 'the body'}: {what}", errors=(FieldError(what, pointer=pointer),))


def _parts(message: str, kind: object) -> tuple[str, str]:
    """Msgspec's message about a `kind`, without values, and its path as a JSON pointer."""
    match = _PATH.fullmatch(message)
    what, path = (match["what"], match["path"] or "") if match else (message, "")
    pointer = path.replace("[...]", "/*").replace("[", "/").replace("]", "").replace(".", "/")
    if what.startswith("Invalid enum value"):
        accepted = choices(kind, pointer.split("/")[1:])
        what = f"is none of {', '.join(accepted)}" if accepted else "is not one of the accepted values"
    return _RULES.get(what) or readable(what), pointer


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _without_duplicates(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _value in pairs:
        if name in seen:
            what = "the field is given more than once"
            raise Problem(HttpCode.INVALID, what, errors=(FieldError(what, pointer=f"/{_escaped(name[:_SHOWN])}"),))
        seen.add(name)
