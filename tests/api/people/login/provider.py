"""A provider that says whatever a test wants, and checks what an honest one does: redirect address, client, PKCE."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.settings import Provider

CLIENT = "hostel"
CLIENT_SECRET = "the-client's-secret"
RSA = rsa.generate_private_key(65_537, 2048)
OTHER_RSA = rsa.generate_private_key(65_537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())

Claims = dict[str, Any]
Handler = Callable[[web.Request], Any]


def public(key: Any, kid: str, **fields: str) -> Claims:  # noqa: ANN401  # of several types
    """The key as a provider publishes it."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **fields}


def signed(claims: Claims, key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:  # noqa: ANN401  # of several types
    """An ID token, whatever its claims are."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm, headers={"kid": "one", **header})


class FakeProvider:
    """A provider on the loopback. What is in `claims` and `user` it says; `sign` makes the ID token."""

    def __init__(self) -> None:
        self.url = ""
        self.claims: Claims = {"sub": "someone", "name": "Some One", "email": "someone@example.org"}
        """Over those that an ID token has to have; None takes one away."""
        self.user: Claims = {"sub": "someone"}
        self.keys: list[Claims] = [public(RSA, "one", alg="RS256")]
        self.metadata: Claims = {}
        self.sign: Callable[[Claims], str] = signed
        self.overrides: dict[str, Handler] = {}
        """Handlers in place of those of a path."""
        self.asked: list[str] = []
        self._codes: dict[str, Claims] = {}

    def configured(self, **fields: Any) -> Provider:  # noqa: ANN401  # fields of several types
        """`[auth.provider.X]` with this provider's metadata."""
        base: Claims = {"title": "Fake", "client_id": CLIENT, "client_secret": CLIENT_SECRET, "timeout": 5}
        return Provider(**{**base, "server_metadata_url": f"{self.url}/.well-known/openid-configuration", **fields})

    def plain(self, **fields: Any) -> Provider:  # noqa: ANN401  # fields of several types
        """`[auth.provider.X]` of plain OAuth 2, as GitHub's is."""
        urls = {f"{name}_url": f"{self.url}/{name}" for name in ("authorize", "token", "userinfo")}
        return self.configured(server_metadata_url=None, id_claim="id", **urls, **fields)

    def allow(self, url: str) -> dict[str, str]:
        """What the browser is sent back with, when the user agrees at `url`."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (CLIENT, "code", "S256") == (query["client_id"], query["response_type"], query["code_challenge_method"])
        code = secrets.token_hex(8)
        self._codes[code] = query
        return {"code": code, "state": query["state"]}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeProvider"]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.overrides:
            made = await self.overrides[request.path](request)
            assert isinstance(made, web.StreamResponse)
            return made
        answer = {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": self._jwks,
            "/token": self._token,
            "/userinfo": self._userinfo,
        }[request.path]
        return web.json_response(await answer(request))

    async def _discovery(self, _request: web.Request) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "something_else": {"that": "is new"},
            **self.metadata,
        }

    async def _jwks(self, _request: web.Request) -> Claims:
        return {"keys": self.keys}

    async def _token(self, request: web.Request) -> Claims:
        form = await request.post()
        asked = self._codes.pop(str(form["code"]))
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        assert basic.replace("'", "%27") == request.headers["Authorization"].replace("'", "%27")
        assert asked["redirect_uri"] == form["redirect_uri"]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=").decode()
        assert asked["code_challenge"] == challenge
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked.get("nonce"), **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        token = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300}
        return {**token, "id_token": self.sign(claims)} if "nonce" in asked else token

    async def _userinfo(self, request: web.Request) -> Claims:
        assert "Bearer an-access-token" == request.headers["Authorization"]
        return self.user
