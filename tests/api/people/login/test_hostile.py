"""Providers that lie, break, stall and flood, and what they say of people."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.people.login.claims import CLAIM_MAX, identity
from api.people.login.protocol import REPLY_MAX
from shared.errors import Code, Fault
from shared.settings import Auth, Provider
from tests.api.fakehost import FakeHost
from tests.api.people.login.browser import FakeBrowser
from tests.api.people.login.provider import EC, OTHER_RSA, RSA, Claims, FakeProvider, public, signed
from tests.api.serving import Server, serving

REFUSED = "/#signin-error=unauthorized"
NOW = int(time.time())


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(header: Claims, claims: Claims) -> str:
    return f"{part(header)}.{part(claims)}."


def mac(claims: Claims, secret: bytes, **header: object) -> str:
    """HS256, under what everybody knows."""
    text = f"{part({'alg': 'HS256', 'kid': 'one', **header})}.{part(claims)}"
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).rstrip(b'=').decode()}"


JWK = public(RSA, "one", alg="RS256")
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

FORGERIES: dict[str, Callable[[Claims], str]] = {
    "another key under the same id": lambda claims: signed(claims, OTHER_RSA),
    "a key that nobody published": lambda claims: signed(claims, OTHER_RSA, kid="two"),
    "a key in its own header": lambda claims: signed(claims, OTHER_RSA, jwk=public(OTHER_RSA, "one")),
    "no signature": lambda claims: unsigned({"alg": "none", "kid": "one"}, claims),
    "no signature, in other letters": lambda claims: unsigned({"alg": "nOnE", "kid": "one"}, claims),
    "no algorithm": lambda claims: unsigned({"kid": "one"}, claims),
    "a mac under the public key": lambda claims: mac(claims, PEM),
    "a mac under the key's number": lambda claims: mac(claims, JWK["n"].encode()),
    "a mac under the client's secret": lambda claims: mac(claims, b"the-client's-secret"),
    "an algorithm that the key is not for": lambda claims: signed(claims, algorithm="PS256"),
    "another key's algorithm": lambda claims: signed(claims, EC, "ES256"),
    "nothing": lambda _: "",
    "no token": lambda _: "a.b.c",
    "no object": lambda _: jwt.api_jws.encode(b"[]", RSA, "RS256", headers={"kid": "one"}),
    "deep": lambda _: jwt.api_jws.encode(b'{"a":' + b"[" * 50_000, RSA, "RS256", headers={"kid": "one"}),
}


async def test_a_forged_id_token_signs_nobody_in(browser: FakeBrowser, fake: FakeProvider) -> None:
    fake.metadata["id_token_signing_alg_values_supported"] = ["RS256", "PS256", "ES256", "HS256", "none"]
    assert "/" == await browser.sign_in(fake)
    browser.cookies.clear()
    for name, forgery in FORGERIES.items():
        fake.sign = forgery
        assert (name, REFUSED) == (name, await browser.sign_in(fake))
        assert None is await browser.me()


CLAIMS: dict[str, Claims] = {
    "another audience": {"aud": "other"},
    "another audience, for us by azp": {"aud": "other", "azp": "hostel"},
    "several audiences without azp": {"aud": ["hostel", "other"]},
    "several audiences for another": {"aud": ["hostel", "other"], "azp": "other"},
    "no audience": {"aud": None},
    "an empty audience": {"aud": ""},
    "no list of audiences": {"aud": {"hostel": True}},
    "another issuer": {"iss": "http://127.0.0.1:1"},
    "no issuer": {"iss": None},
    "a list of issuers": {"iss": ["http://127.0.0.1:1"]},
    "expired": {"exp": NOW - 3600},
    "no expiry": {"exp": None},
    "an expiry of text": {"exp": "9999999999"},
    "an expiry that is true": {"exp": True},
    "not yet issued": {"iat": NOW + 3600},
    "no time of issue": {"iat": None},
    "not yet good": {"nbf": NOW + 3600},
    "no nonce": {"nonce": None},
    "an empty nonce": {"nonce": ""},
    "another nonce": {"nonce": "x" * 43},
    "a list of nonces": {"nonce": ["x"]},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is an object": {"sub": {"$ne": ""}},
    "a subject that is a number": {"sub": 42},
    "a long subject": {"sub": "x" * 256},
    "another access token's": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


async def test_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in(browser: FakeBrowser, fake: FakeProvider) -> None:
    right = fake.claims
    for name, wrong in CLAIMS.items():
        fake.claims = right | wrong
        assert (name, REFUSED) == (name, await browser.sign_in(fake))
        assert None is await browser.me()
    fake.claims = right | {"aud": ["hostel", "other"], "azp": "hostel"}
    assert "/" == await browser.sign_in(fake)


async def test_a_key_that_is_not_for_signatures_verifies_none(
    browser: FakeBrowser, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.people.login.protocol.REFETCH_SECONDS", 0.0)
    for keys in (
        [public(RSA, "one") | {"use": "enc"}],
        [{"kty": "oct", "k": "AAAA", "kid": "one"}],
        [],
        [{"kty": "RSA"}],
        [{"kid": "one"}],
        [public(RSA, "one", alg="PS256")],
    ):
        fake.keys = keys
        assert REFUSED == await browser.sign_in(fake)
    fake.keys = [{"kty": "OKP", "crv": "of tomorrow", "x": "AA"}, {"kty": "RSA"}, {"kty": ["EC"]}, public(RSA, "one")]
    assert "/" == await browser.sign_in(fake)


async def page(_request: web.Request) -> web.Response:
    return web.Response(text="<html>", content_type="text/html")


async def redirect(request: web.Request) -> web.Response:
    return web.Response(status=307, headers={"Location": f"{request.url.origin()}/elsewhere"}, content_type="application/json")


async def broken(_request: web.Request) -> web.Response:
    return web.Response(status=500, text="{}", content_type="application/json")


async def no_json(_request: web.Request) -> web.Response:
    return web.Response(text="{", content_type="application/json")


async def a_list(_request: web.Request) -> web.Response:
    return web.json_response([1])


async def huge(_request: web.Request) -> web.Response:
    return web.json_response({"keys": [], "access_token": "x" * REPLY_MAX})


async def compressed(_request: web.Request) -> web.Response:
    response = web.json_response({"x": "x" * 10_000})
    response.headers["Content-Encoding"] = "gzip"
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" " * 65_536)
    return response


async def refusing(_request: web.Request) -> web.Response:
    return web.json_response({"error": "invalid_grant", "error_description": "sentinel-of-the-provider"}, status=400)


@pytest.mark.parametrize("answer", [page, redirect, broken, no_json, a_list, huge, compressed, endless, refusing])
async def test_a_provider_that_answers_nonsense_signs_nobody_in(
    server: Server, fake: FakeProvider, answer: Callable[[web.Request], Any], json_log: io.StringIO
) -> None:
    """Nothing that it says reaches the browser, and it leads us nowhere else."""
    fake.claims = {"sub": "someone"}  # so that user info is asked for
    fake.overrides["/.well-known/openid-configuration"] = answer
    assert await FakeBrowser(server).begin() in {REFUSED, "/#signin-error=unavailable"}
    fake.overrides.clear()
    for path in ("/token", "/jwks", "/userinfo"):
        browser = FakeBrowser(server)
        fake.overrides = {path: answer}
        assert await browser.sign_in(fake) in {REFUSED, "/#signin-error=unavailable"}
        assert None is await browser.me()
    fake.overrides.clear()
    assert "/" == await FakeBrowser(server).sign_in(fake)
    assert "/elsewhere" not in fake.asked
    log = json_log.getvalue()
    assert 4 == log.count('"provider": "fake"')
    for secret in ("the-client's-secret", "an-access-token", "sentinel", "Traceback"):
        assert secret not in log


async def test_a_provider_that_is_slow_is_given_up_at_its_deadline(tmp_path: Path, host: FakeHost, fake: FakeProvider) -> None:
    gone = asyncio.Event()

    async def stall(_request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(60)
        finally:
            gone.set()
        return web.Response()

    async with serving(tmp_path, host, auth=Auth(provider={"fake": fake.configured(timeout=0.3)})) as server:
        browser = FakeBrowser(server)
        back = fake.allow(await browser.begin())
        fake.overrides["/token"] = stall
        begun = time.monotonic()
        assert "/#signin-error=timeout" == await browser.finish(back)
        assert time.monotonic() - begun < 3
        async with asyncio.timeout(5):
            await gone.wait()


async def test_a_provider_that_is_down_is_said_to_be(tmp_path: Path, host: FakeHost, fake: FakeProvider) -> None:
    down = fake.configured(server_metadata_url="http://127.0.0.1:9/.well-known/openid-configuration")
    async with serving(tmp_path, host, auth=Auth(provider={"fake": down})) as server:
        assert "/#signin-error=unavailable" == await FakeBrowser(server).begin()


METADATA: list[Claims] = [
    {"issuer": "http://127.0.0.1:1"},
    {"issuer": ""},
    {"issuer": 7},
    {"jwks_uri": ""},
    {"token_endpoint": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"end_session_endpoint": "//other"},
    {"token_endpoint": None},
]


async def test_metadata_that_cannot_be_used_are_refused(server: Server, fake: FakeProvider) -> None:
    for wrong in METADATA:
        fake.metadata = wrong
        assert (wrong, REFUSED) == (wrong, await FakeBrowser(server).begin())


async def test_a_proxy_of_the_environment_is_not_asked(
    server: Server, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert "/" == await FakeBrowser(server).sign_in(fake)


BAD: list[object] = [
    None, "", " ", "\t", "a\0b", "a\nb", "\u202ex", "\ud800", "x" * (CLAIM_MAX + 1), "x" * 10_000, 1.5, 42.0, True, False,
    [], ["42"], {}, {"id": 42}, 10**300,
]  # fmt: skip


async def test_a_claim_that_names_nobody_signs_nobody_in(server: Server, fake: FakeProvider) -> None:
    browser = FakeBrowser(server)
    for value in BAD:
        fake.user = {"id": value, "name": "x"}
        assert (value, REFUSED) == (value, await browser.finish(fake.allow(await browser.begin("plain"))))
        assert None is await browser.me()


GOOD: list[object] = [
    "../../x",
    "root",
    "w" + "0" * 24,
    "admin",
    "42",
    43,
    -43,
    2**63,
    "' OR 1=1 --",
    "x" * CLAIM_MAX,
    "Ünïcode",
    "a b",
]


async def test_whatever_a_claim_says_it_is_a_person_of_its_own(server: Server, fake: FakeProvider) -> None:
    """The name of a system user, an id of ours, a path: each is compared and used for nothing else."""
    seen = set()
    for value in GOOD:
        fake.user = {"id": value, "name": value, "email": value, "role": "admin", "sub": "admin"}
        browser = FakeBrowser(server)
        assert "/" == await browser.finish(fake.allow(await browser.begin("plain")))
        me = await browser.me()
        assert ("person", None) == (me["role"], me["workspaceId"])
        assert "server:write" not in me["scopes"]
        assert 25 == len(me["personId"])
        seen.add(me["personId"])
    assert len(GOOD) == len(seen)


def provider(**fields: Any) -> Provider:  # noqa: ANN401  # fields of several types
    base: Claims = {"title": "x", "client_id": "x", "client_secret": "x", "server_metadata_url": "http://x"}
    return Provider(**{**base, **fields})


@pytest.mark.parametrize(
    ("name", "email", "shown"),
    [
        ("A \u202e\n  B\0C", "a@example.org", ("A B C", "a@example.org")),
        ("x" * 300, "y" * 400, ("x" * 200, "y" * 320)),
        (["x"], {"y": 1}, ("", None)),
        (7, None, ("", None)),
        (None, "only@example.org", ("only@example.org", "only@example.org")),
    ],
)
def test_what_is_shown_is_cleaned_and_cut(name: object, email: object, shown: tuple[str, str | None]) -> None:
    found = identity(provider(), {"sub": "x", "name": name, "email": email})
    assert shown == (found.name, found.email)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("one", True),
        (["zero", "two"], True),
        ("three", False),
        ("on", False),
        ("one two", False),
        ("ONE", False),
        ([], False),
        (None, False),
        ({"one": "one"}, False),
        ([["one"]], False),
        (1, False),
    ],
)
def test_a_list_of_accepted_values_is_exact(value: object, allowed: bool) -> None:
    claims = {"sub": "x", "groups": value}
    accepting = provider(allow={"groups": ["one", "two"]})
    if allowed:
        assert "x" == identity(accepting, claims).claim
        return
    with pytest.raises(Fault) as caught:
        identity(accepting, claims)
    assert Code.FORBIDDEN is caught.value.code


def test_every_list_has_to_accept() -> None:
    accepting = provider(allow={"groups": ["one"], "hd": ["example.org"]})
    assert "x" == identity(accepting, {"sub": "x", "groups": "one", "hd": "example.org"}).claim
    for claims in ({"groups": "one"}, {"hd": "example.org"}, {"groups": "one", "hd": "example.com"}):
        with pytest.raises(Fault):
            identity(accepting, {"sub": "x", **claims})


async def test_who_is_not_let_in_is_told_so(tmp_path: Path, host: FakeHost, fake: FakeProvider) -> None:
    auth = Auth(provider={"fake": fake.configured(allow={"groups": ["staff"]})})
    async with serving(tmp_path, host, auth=auth) as server:
        browser = FakeBrowser(server)
        assert "/#signin-error=forbidden" == await browser.sign_in(fake)
        fake.claims["groups"] = ["students", "staff"]
        assert "/" == await browser.sign_in(fake)
