"""A change to providers: what is left out stays, null removes, and nothing else moves."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from shared.errors import Code, Fault
from shared.hostwire import PROVIDER_SECRET_MAX, AuthType, ProviderAuth, ProviderChange
from shared.providers import Provider, credentials, dump, load, merge, view
from shared.secret import Secret

NAMES = st.sampled_from(["claude", "codex", "gemini", "opencode"])
SECRETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).map(Secret)
AUTHS = st.none() | st.builds(ProviderAuth, st.sampled_from(AuthType), SECRETS)
PROVIDERS = st.dictionaries(NAMES, st.builds(Provider, st.booleans(), AUTHS))
CHANGES = st.dictionaries(NAMES, st.none() | st.builds(ProviderChange, st.booleans() | st.just(UNSET), AUTHS | st.just(UNSET)))


@given(PROVIDERS, CHANGES)
def test_each_field_is_the_changes_or_else_what_it_was(
    current: dict[str, Provider], changes: dict[str, ProviderChange | None]
) -> None:
    merged = merge(current, changes)
    assert (current.keys() | changes.keys()) - {name for name, change in changes.items() if change is None} == merged.keys()
    for name, provider in merged.items():
        before, change = current.get(name, Provider()), changes.get(name) or ProviderChange()
        assert (before.enabled if change.enabled is UNSET else change.enabled) == provider.enabled
        assert (before.auth if change.auth is UNSET else change.auth) == provider.auth
    assert merged == merge(merged, changes)


@given(PROVIDERS)
def test_what_is_kept_is_read_back_and_what_is_shown_has_no_credential(providers: dict[str, Provider]) -> None:
    assert providers == load(dump(providers))
    shown = view(providers)
    assert providers.keys() == shown.keys()
    for name, one in shown.items():
        assert {"enabled", "auth_type"} == set(one.__struct_fields__)
        auth = providers[name].auth
        assert (auth.type if auth else None) == one.auth_type


@pytest.mark.parametrize(
    ("value", "code"), [("", Code.BAD_REQUEST), ("a\0", Code.BAD_REQUEST), ("x" * (PROVIDER_SECRET_MAX + 1), Code.TOO_LARGE)]
)
def test_a_credential_that_cannot_be_one_is_refused(value: str, code: Code) -> None:
    with pytest.raises(Fault) as caught:
        merge({}, {"claude": ProviderChange(auth=ProviderAuth(AuthType.API_KEY, Secret(value)))})
    assert code == caught.value.code
    assert "a\0" not in str(caught.value)


@given(PROVIDERS)
def test_the_tenant_gets_the_credentials_of_what_is_switched_on(providers: dict[str, Provider]) -> None:
    told = msgspec.json.decode(credentials(providers))
    for name, one in providers.items():
        if not one.enabled:
            assert told[name] is None
        elif one.auth is None:
            assert name not in told
        else:
            assert {"type": one.auth.type.value, "value": one.auth.value.reveal()} == told[name]
    assert told.keys() <= providers.keys()
