"""Who signs in through the host: holders of a one-time token, and operators with an account."""

from typing import Annotated

from msgspec import Meta

from shared.hostwire.protocol import HOST, HostRequest
from shared.messages import Access, Done, Reply
from shared.secret import Secret


class Invite(Reply, frozen=True):
    """A one-time token, shown once."""

    token: Secret
    expires: str
    """ISO 8601, UTC."""


class Redeemed(Reply, frozen=True):
    """What the token was good for."""

    role: str


@HOST.verb(Redeemed)
class RedeemInvite(HostRequest, frozen=True):
    """Use up a one-time token; UNAUTHORIZED when it is unknown, used or expired."""

    token: Annotated[Secret, Meta(extra={"secret": True})]


@HOST.verb(Invite, access=Access.ADMIN, audit=("lifetime",))
class CreateInvite(HostRequest, frozen=True):
    """Make a one-time token that signs its holder in as an admin."""

    lifetime: Annotated[int, Meta(ge=10, le=86_400)] = 900
    """Seconds."""


@HOST.verb(Done, audit=("user",))
class Authenticate(HostRequest, frozen=True):
    """UNAUTHORIZED unless the host's PAM accepts the password and the account is in the configured group.

    BUSY when too many are being checked. FORBIDDEN when the configuration does not let operators sign in.
    """

    user: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_.-]*$(?!\n)", min_length=1, max_length=32)]
    password: Annotated[Secret, Meta(extra={"secret": True})]
