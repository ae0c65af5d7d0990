"""The providers of a workspace, as changes and as what may be told of them."""

import enum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.secret import Secret

PROVIDERS_MAX: Final = 16
PROVIDER_SECRET_MAX: Final = 64 * 1024
"""Characters of a provider credential; an `auth_json_b64` is a few kilobytes."""

ProviderName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", min_length=1, max_length=32)]


class AuthType(enum.StrEnum):
    """How a provider's credential is handed to its agent."""

    API_KEY = "api_key"
    AUTH_JSON_B64 = "auth_json_b64"
    SETUP_TOKEN = "setup_token"  # noqa: S105  # the name of a kind, not a password


class ProviderAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's credential."""

    type: AuthType
    value: Secret


class ProviderChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A change to one provider: what is left out stays as it is; `auth: null` removes the credential."""

    enabled: bool | UnsetType = UNSET
    auth: ProviderAuth | UnsetType | None = UNSET


class ProviderView(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be told of a provider: never its credential."""

    enabled: bool
    auth_type: AuthType | None


ProviderChanges = Annotated[dict[ProviderName, ProviderChange | None], Meta(max_length=PROVIDERS_MAX)]
"""By provider; null removes the provider."""
