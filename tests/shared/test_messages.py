"""Both protocols: each verb is declared once and travels whole; what is not a message is refused with a reason."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Code, Fault
from shared.guestwire import GUEST
from shared.hostwire import HOST, AuthType, CreateWorkspace, ProviderAuth, ProviderChange, RedeemInvite, VerifySecret
from shared.ids import new_workspace_id
from shared.messages import Hello, Protocol, decode, encode, snake
from shared.secret import Secret, decode_hook

PROTOCOLS = [HOST, GUEST]
RAW = msgspec.msgpack.Encoder()


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
def test_a_verbs_wire_name_is_its_requests_name(protocol: Protocol) -> None:
    for name, verb in protocol.verbs.items():
        assert name == snake(verb.request.__name__) == verb.request.__struct_config__.tag


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
def test_an_audited_field_exists_and_is_no_secret(protocol: Protocol) -> None:
    for verb in protocol.verbs.values():
        fields = {field.name: field.type for field in msgspec.structs.fields(verb.request)}
        for name in verb.audit or ():
            assert "Secret" not in str(fields[name])


def test_no_message_to_hostd_carries_a_uid_a_path_or_a_command() -> None:
    names = {field.name for verb in HOST.verbs.values() for field in msgspec.structs.fields(verb.request)}
    assert {
        "id",
        "workspace",
        "secret",
        "secret_hash",
        "providers",
        "changes",
        "start",
        "after",
        "limit",
        "token",
        "lifetime",
        "before",
        "organisation",
        "origin",  # for the audit log alone
        "events",
        "user",  # whom PAM knows; nothing is made of it
        "password",
    } == names


def test_a_secret_is_not_printed_and_comes_through() -> None:
    workspace = new_workspace_id()
    sent = CreateWorkspace(
        id=1,
        workspace=workspace,
        secret_hash="0" * 64,
        providers={"claude": ProviderChange(enabled=True, auth=ProviderAuth(AuthType.API_KEY, Secret("sentinel")))},
    )
    assert "sentinel" not in repr(sent)
    assert sent == decode(HOST.request_decoder, encode(sent))


@pytest.mark.parametrize("field", ["uid", "path", "command", "gid", "home"])
def test_a_field_that_is_not_declared_is_refused(field: str) -> None:
    frame = RAW.encode({"t": "create_workspace", "id": 1, "workspace": new_workspace_id(), "secret_hash": "0" * 64, field: 0})
    with pytest.raises(Fault) as caught:
        decode(HOST.request_decoder, frame)
    assert Code.BAD_REQUEST == caught.value.code


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
@given(payload=st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_bad_request(protocol: Protocol, payload: bytes) -> None:
    for decoder in (protocol.request_decoder, protocol.reply_decoder):
        try:
            decode(decoder, payload)
        except Fault as fault:
            assert Code.BAD_REQUEST == fault.code


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=30) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
@given(data=st.data())
def test_a_verb_with_junk_in_its_fields_is_a_message_or_a_bad_request(protocol: Protocol, data: st.DataObject) -> None:
    verb = data.draw(st.sampled_from(list(protocol.verbs.values())))
    names = [field.encode_name for field in msgspec.structs.fields(verb.request)]
    message = {name: data.draw(JUNK) for name in names} | {"t": verb.name}
    try:
        decode(protocol.request_decoder, RAW.encode(message))
    except Fault as fault:
        assert Code.BAD_REQUEST == fault.code


def test_a_deeply_nested_payload_is_a_bad_request() -> None:
    with pytest.raises(Fault) as caught:
        decode(HOST.request_decoder, b"\x91" * 100_000 + b"\x00")
    assert Code.BAD_REQUEST == caught.value.code


@pytest.mark.parametrize("request_type", [VerifySecret, RedeemInvite])
def test_a_bad_message_does_not_quote_a_secret(request_type: type) -> None:
    frame = RAW.encode({"t": snake(request_type.__name__), "secret": "sentinel", "token": "sentinel", "workspace": "sentinel"})
    with pytest.raises(Fault) as caught:
        decode(HOST.request_decoder, frame)
    assert "sentinel" not in str(caught.value)


def test_a_hello_is_in_both_protocols() -> None:
    for protocol in PROTOCOLS:
        assert Hello(version=1) == decode(protocol.request_decoder, encode(Hello(version=1)))


def test_only_a_string_becomes_a_secret() -> None:
    with pytest.raises(TypeError):
        decode_hook(Secret, 7)
