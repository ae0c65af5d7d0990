"""The closed table of hostd's verbs; the other modules of this package fill it."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from shared.messages import Protocol, Request

PAGE_MAX: Final = 500

HOST: Final = Protocol("host")

PageSize = Annotated[int, Meta(ge=1, le=PAGE_MAX)]
Short = Annotated[str, Meta(max_length=64)]


class Origin(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """On whose behalf api asks, as api says it. It is written into the audit log and decides nothing."""

    actor: Short = ""
    """The id of whom the credential stands for, `admin` or `anonymous`; an operator's name after a colon."""
    credential: Short = ""
    """The id of the key or of the sign-in, never the credential itself."""
    address: Short = ""
    """The client's."""
    request: Short = ""
    """The id of the HTTP request."""


class HostRequest(Request, frozen=True, kw_only=True):
    """A call of hostd."""

    origin: Origin | None = None
    """None: the peer itself, by its uid."""
