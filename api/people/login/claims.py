"""What a provider says of somebody: hostile input, of which one claim is compared and two are shown."""

from collections.abc import Mapping
from typing import Final

from api.people.people import Identity
from shared.errors import Code, Fault
from shared.settings import Provider

CLAIM_MAX: Final = 255
"""Characters of the claim that identifies a person: OpenID Connect Core 1.0, 2, of `sub`."""
NAME_MAX: Final = 200
EMAIL_MAX: Final = 320
"""RFC 3696, 3."""

Claims = Mapping[str, object]


def identity(provider: Provider, claims: Claims) -> Identity:
    """Whom the claims name. UNAUTHORIZED when they name nobody, FORBIDDEN for whom the configuration does not let in."""
    claim = _identifier(provider.id_claim, claims.get(provider.id_claim))
    for name, accepted in provider.allow.items():
        if not _values(claims.get(name)) & set(accepted):
            raise Fault(Code.FORBIDDEN, f"the configuration does not let you in: it compares the claim `{name}`")
    email = _display(claims.get(provider.email_claim), EMAIL_MAX)
    return Identity(claim, _display(claims.get(provider.name_claim), NAME_MAX) or email, email or None)


def _identifier(name: str, value: object) -> str:
    """The claim's text: a string as it is, or an integer in decimal. Two that differ in a byte are two people."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > CLAIM_MAX or not value.isprintable():
        raise Fault(Code.UNAUTHORIZED, f"the provider did not say who you are: the claim `{name}` cannot be used")
    return value


def _values(value: object) -> set[str]:
    return {item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)}


def _display(value: object, most: int) -> str:
    """What may be shown of a text: without control characters, and without those that turn the direction of writing."""
    if not isinstance(value, str):
        return ""
    words = "".join(character if character.isprintable() else " " for character in value[: most * 4]).split()
    return " ".join(words)[:most].strip()
