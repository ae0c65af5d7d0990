"""Access tokens, refresh families, and the ways to forge either."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from api.credentials.tokens import AUDIENCE, ISSUER, TYPE
from shared.errors import Code, Fault
from shared.ids import new_workspace_id
from tests.api.serving import Server

Claims = dict[str, Any]


def claims(subject: object, **changes: object) -> Claims:
    """Claims as they should be, but for `changes`; None removes one."""
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 600, "jti": "j", "fam": "f", **changes}
    return {name: value for name, value in whole.items() if value is not None}


def signed(server: Server, given_claims: Claims, **header: object) -> str:
    """A token that this server's own key signs."""
    key = server.services.keys.signing
    return jwt.encode(given_claims, key.private, "EdDSA", headers={"kid": key.kid, "typ": TYPE, **header})


def unsigned(header: Claims, payload: Claims) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload))
    return ".".join((*parts, ""))


async def status_of(server: Server, token: str) -> int:
    return (await server.call("GET", "/api/auth/me", token=token))[0]


async def test_a_login_gives_a_token_of_the_workspace(server: Server) -> None:
    workspace, secret = await server.create()
    reply = await server.login(workspace, secret)
    decoded = jwt.decode(reply["workspaceToken"], options={"verify_signature": False})
    assert (workspace, ISSUER, AUDIENCE, 86_400) == (
        decoded["sub"],
        decoded["iss"],
        decoded["aud"],
        decoded["exp"] - decoded["iat"],
    )
    assert (86_400, "Bearer") == (reply["expiresIn"], reply["tokenType"])
    _, me, _ = await server.call("GET", "/api/auth/me", token=reply["workspaceToken"])
    assert ("workspace", workspace) == (me["role"], me["workspaceId"])


async def test_the_published_key_verifies_a_token(server: Server) -> None:
    _, token = await server.tenant()
    _, jwks, _ = await server.call("GET", "/.well-known/jwks.json")
    kid = jwt.get_unverified_header(token)["kid"]
    (key,) = [jwt.PyJWK(found) for found in jwks["keys"] if found["kid"] == kid]
    assert "d" not in jwks["keys"][0]
    assert ISSUER == jwt.decode(token, key, ["EdDSA"], audience=AUDIENCE)["iss"]


FORGERIES: dict[str, Callable[[Server, str], str]] = {
    "none": lambda _, w: unsigned({"alg": "none", "typ": TYPE}, claims(w)),
    "none with our kid": lambda s, w: unsigned({"alg": "none", "typ": TYPE, "kid": s.services.keys.signing.kid}, claims(w)),
    "unknown kid": lambda s, w: signed(s, claims(w), kid="other"),
    "kid that is a path": lambda s, w: signed(s, claims(w), kid="../../etc/passwd"),
    "kid that is no text": lambda _, w: unsigned({"alg": "EdDSA", "typ": TYPE, "kid": ["x"]}, claims(w)),
    "another key under our kid": lambda s, w: jwt.encode(
        claims(w), Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": s.services.keys.signing.kid, "typ": TYPE}
    ),
    "another type": lambda s, w: signed(s, claims(w), typ="JWT"),
    "another audience": lambda s, w: signed(s, claims(w, aud="other")),
    "a list of audiences": lambda s, w: signed(s, claims(w, aud=[AUDIENCE])),
    "no audience": lambda s, w: signed(s, claims(w, aud=None)),
    "another issuer": lambda s, w: signed(s, claims(w, iss="other")),
    "no issuer": lambda s, w: signed(s, claims(w, iss=None)),
    "expired": lambda s, w: signed(s, claims(w, exp=int(time.time()) - 1)),
    "no expiry": lambda s, w: signed(s, claims(w, exp=None)),
    "not yet issued": lambda s, w: signed(s, claims(w, iat=int(time.time()) + 3600)),
    "empty subject": lambda s, _: signed(s, claims("")),
    "no subject": lambda s, _: signed(s, claims(None)),
    "subject that is an object": lambda s, _: signed(s, {**claims(""), "sub": {"$ne": ""}}),
    "subject with a newline": lambda s, w: signed(s, claims(w + "\n")),
    "anonymous subject": lambda s, _: signed(s, claims("anonymous")),
    "no family": lambda s, w: signed(s, claims(w, fam=None)),
    "empty family": lambda s, w: signed(s, claims(w, fam="")),
    "no id": lambda s, w: signed(s, claims(w, jti=None)),
    "a workspace that never was": lambda s, _: signed(s, claims(new_workspace_id())),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_token_is_refused(server: Server, forgery: str) -> None:
    workspace, _ = await server.create()
    assert 200 == await status_of(server, signed(server, claims(workspace)))
    assert 401 == await status_of(server, FORGERIES[forgery](server, workspace))


@pytest.mark.parametrize("form", ["pem", "raw", "jwk"])
async def test_our_public_key_is_no_shared_secret(server: Server, form: str) -> None:
    """CVE-2022-29217: HS256 under the public key."""
    workspace, _ = await server.create()
    public = server.services.keys.signing.private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    x = server.services.keys.jwks().keys[0].x.encode()
    secret = {"pem": pem, "raw": public.public_bytes_raw(), "jwk": x}[form]
    header = {"alg": "HS256", "typ": TYPE, "kid": server.services.keys.signing.kid}
    unsigned_part = unsigned(header, claims(workspace)).rstrip(".")
    mac = base64.urlsafe_b64encode(hmac.digest(secret, unsigned_part.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert 401 == await status_of(server, f"{unsigned_part}.{mac}")


@given(st.text(max_size=200))
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        jwt.get_unverified_header(text)


async def test_logout_revokes_the_sign_in_and_no_other(server: Server) -> None:
    workspace, secret = await server.create()
    one, two = await server.login(workspace, secret), await server.login(workspace, secret)
    assert 200 == (await server.call("POST", "/api/logout", token=one["workspaceToken"]))[0]
    assert 401 == await status_of(server, one["workspaceToken"])
    assert 401 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": one["refreshToken"]}))[0]
    assert 200 == await status_of(server, two["workspaceToken"])


async def test_a_refresh_token_is_good_once_and_reuse_revokes_the_family(server: Server) -> None:
    workspace, secret = await server.create()
    first = await server.login(workspace, secret)
    status, second, _ = await server.call("POST", "/api/tokens/refresh", {"refreshToken": first["refreshToken"]})
    assert 200 == status
    assert 200 == await status_of(server, second["workspaceToken"])
    assert 401 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": first["refreshToken"]}))[0]
    for token in (first["workspaceToken"], second["workspaceToken"]):
        assert 401 == await status_of(server, token)
    assert 401 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": second["refreshToken"]}))[0]


async def test_of_many_refreshes_at_once_at_most_one_wins(server: Server) -> None:
    workspace, secret = await server.create()
    body = {"refreshToken": (await server.login(workspace, secret))["refreshToken"]}
    replies = await asyncio.gather(*(server.call("POST", "/api/tokens/refresh", body) for _ in range(20)))
    assert [200] + [401] * 19 == sorted(status for status, *_ in replies)


async def test_rotating_the_secret_revokes_every_token(server: Server) -> None:
    workspace, secret = await server.create()
    one, two = await server.login(workspace, secret), await server.login(workspace, secret)
    status, rotated, _ = await server.call("POST", f"/api/workspaces/{workspace}/secret/rotate", token=one["workspaceToken"])
    assert 200 == status
    for reply in (one, two):
        assert 401 == await status_of(server, reply["workspaceToken"])
        assert 401 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": reply["refreshToken"]}))[0]
    old = {"workspaceId": workspace, "workspaceSecret": secret}
    assert 401 == (await server.call("POST", "/api/workspaces/login", old))[0]
    assert 200 == await status_of(server, (await server.login(workspace, rotated["workspaceSecret"]))["workspaceToken"])


async def test_a_login_that_began_before_a_rotation_gives_nothing(server: Server) -> None:
    workspace, _ = await server.create()
    row = await server.services.workspaces.get(workspace)
    async with server.services.workspaces.lock(workspace):
        await server.services.workspaces.rotated(workspace, lambda c: server.services.tokens.revoke_all_of(workspace, c))
    with pytest.raises(Fault) as caught:
        await server.services.tokens.grant_workspace(workspace, row.secret_version)
    assert Code.UNAUTHORIZED is caught.value.code


async def test_a_revocation_is_known_after_a_restart(server: Server) -> None:
    workspace, secret = await server.create()
    token = (await server.login(workspace, secret))["workspaceToken"]
    await server.call("POST", "/api/logout", token=token)
    server.services.tokens._revoked.clear()
    assert 200 == await status_of(server, token)
    await server.services.tokens.load()
    assert 401 == await status_of(server, token)


@pytest.mark.parametrize("jump", [90_000, -90_000])
async def test_a_clock_that_is_set_and_set_right_again_revives_no_token(
    server: Server, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    workspace, secret = await server.create()
    lost, other, third = [(await server.login(workspace, secret))["workspaceToken"] for _ in range(3)]
    assert 200 == (await server.call("POST", "/api/logout", token=lost))[0]
    tokens, now = server.services.tokens, time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + jump)
        tokens.revoke_now([tokens.verify(other).family] if jump < 0 else ["0" * 32])
    for token, status in ((lost, 401), (other, 401 if jump < 0 else 200), (third, 200)):
        assert status == (await server.call("GET", "/api/auth/me", token=token))[0]


async def test_the_token_of_a_deleted_workspace_is_refused(server: Server) -> None:
    workspace, token = await server.tenant(providers={"claude": {}})
    server.host.deleted.add(workspace)
    change = {"providers": {"claude": {"enabled": False}}}
    assert 404 == (await server.call("PATCH", f"/api/workspaces/{workspace}", change, token=token))[0]
    assert 401 == await status_of(server, token)
    assert 404 == (await server.call("GET", f"/api/workspaces/{workspace}", token=await server.admin()))[0]


async def test_forgetting_what_has_expired_keeps_what_has_not(server: Server) -> None:
    workspace, secret = await server.create()
    reply = await server.login(workspace, secret)
    await server.services.tokens.purge()
    assert 200 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": reply["refreshToken"]}))[0]


async def test_a_refresh_token_that_is_none_is_refused(server: Server) -> None:
    for token in ("x", "hrt_" + secrets.token_urlsafe(32), "é", "", "x" * 5000, "a\nb"):
        assert 401 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": token}))[0]
