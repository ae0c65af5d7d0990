"""Provider credentials of a workspace: how they are kept, how a change is merged, what may be told of them."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from shared.errors import Code, Fault
from shared.hostwire import PROVIDER_SECRET_MAX, PROVIDERS_MAX, ProviderAuth, ProviderChange, ProviderView
from shared.secret import decode_hook, encode_hook


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """One provider in providers.json."""

    enabled: bool = True
    auth: ProviderAuth | None = None


FILE: Final = "providers.json"
_DECODER: Final = msgspec.json.Decoder(dict[str, Provider], dec_hook=decode_hook)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=encode_hook)


def load(data: bytes) -> dict[str, Provider]:
    """What providers.json holds."""
    return _DECODER.decode(data)


def dump(providers: Mapping[str, Provider]) -> bytes:
    """What providers.json shall hold."""
    return _ENCODER.encode(providers)


def merge(current: Mapping[str, Provider], changes: Mapping[str, ProviderChange | None]) -> dict[str, Provider]:
    """`current` with `changes`: what is left out stays, null removes. BAD_REQUEST, LIMIT or TOO_LARGE change nothing."""
    merged = dict(current)
    for name, change in changes.items():
        if change is None:
            merged.pop(name, None)
            continue
        before = merged.get(name, Provider())
        merged[name] = Provider(
            before.enabled if change.enabled is UNSET else change.enabled,
            before.auth if change.auth is UNSET else _checked(name, change.auth),
        )
    if len(merged) > PROVIDERS_MAX:
        raise Fault(Code.LIMIT, f"a workspace has at most {PROVIDERS_MAX} providers")
    return merged


def _checked(name: str, auth: ProviderAuth | None) -> ProviderAuth | None:
    if auth is not None:
        value = auth.value.reveal()
        if not value or "\0" in value:
            raise Fault(Code.BAD_REQUEST, f"the credential of {name} is empty or holds a NUL")
        if len(value) > PROVIDER_SECRET_MAX:
            raise Fault(Code.TOO_LARGE, f"the credential of {name} has more than {PROVIDER_SECRET_MAX} characters")
    return auth


def view(providers: Mapping[str, Provider]) -> dict[str, ProviderView]:
    """What may be told."""
    return {name: ProviderView(one.enabled, one.auth.type if one.auth else None) for name, one in providers.items()}


def credentials(providers: Mapping[str, Provider]) -> bytes:
    """What the tenant's own file tells its agents: each credential, and null for a provider that is switched off."""
    usable = {name: one.auth if one.enabled else None for name, one in providers.items() if one.auth or not one.enabled}
    return _ENCODER.encode(usable)
