"""One provider, as Authlib speaks to it. Imported when somebody first signs in: it takes some megabytes.

What comes from the provider is bounded in size and time, is never redirected, and is believed only as far as it is proved: an
ID token by its signature, under a key that is for the algorithm, and by all that OpenID Connect Core 1.0, 3.1.3.7 asks of it.
"""

import hmac
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Any, Final

import httpx2
import msgspec
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from shared.settings import Provider

REPLY_MAX: Final = 256 * 1024
"""Bytes of one reply of a provider."""
METADATA_SECONDS: Final = 3600.0
"""For which a provider's metadata and keys are kept."""
REFETCH_SECONDS: Final = 10.0
"""Between two looks for a key that is not among those known."""
LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ."""
KEYS_MAX: Final = 100
SUBJECT_MAX: Final = 255
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Never `none`, nor one whose key is a shared secret: our own public knowledge would do to sign."""
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
_DISCOVERY: Final = "/.well-known/openid-configuration"


class Untrusted(Exception):  # noqa: N818  # it is what the provider is, not an error of ours
    """The provider said what cannot be believed; the message is for the log."""


class Metadata(msgspec.Struct, frozen=True):
    """What a provider publishes of itself (OpenID Connect Discovery 1.0, 3; RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    id_token_signing_alg_values_supported: list[str] = []
    token_endpoint_auth_methods_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False


class _Capped(httpx2.AsyncByteStream):
    """A reply's body, until it is too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > REPLY_MAX:
                raise Untrusted("its reply is too long")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Transport(httpx2.AsyncHTTPTransport):
    """Refuses all replies that are not plain JSON of a bounded size."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept"] = "application/json"
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        wrong = None
        if httpx2.codes.is_redirect(response.status_code):
            wrong = "it redirects"
        elif response.headers.get("Content-Encoding", "identity").lower() != "identity":
            wrong = "its reply is compressed"
        elif response.status_code < httpx2.codes.BAD_REQUEST and kind != "application/json" and not kind.endswith("+json"):
            wrong = "its reply is not JSON"
        if wrong is not None:
            await response.aclose()
            raise Untrusted(wrong)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101  # an asynchronous transport's is
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=_Capped(response.stream), extensions=response.extensions
        )


@lru_cache(1)
def _trusted() -> ssl.SSLContext:
    """The certificates that this host trusts."""
    return ssl.create_default_context()


class RelyingParty:
    """This server as a client of one provider. Its methods raise Untrusted, JoseError, httpx2's and Authlib's errors."""

    def __init__(self, provider: Provider, secret: str, redirect_uri: str) -> None:
        """Nothing is fetched yet."""
        self._provider = provider
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._metadata: Metadata | None = None
        self._metadata_since = 0.0
        self._keys: KeySet | None = None
        self._keys_since = 0.0

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in."""
        async with self._client() as client:
            metadata = await self._described(client)
            more = {"nonce": nonce} if metadata.issuer else {}
            url, _ = client.create_authorization_url(
                metadata.authorization_endpoint, state=state, code_verifier=verifier, **more
            )
        return str(url)

    async def claims(self, code: str, verifier: str, nonce: str, issuer: str | None) -> Mapping[str, object]:
        """What the provider says of whom it gave `code` to; `issuer` is the callback's `iss`, if it had one (RFC 9207)."""
        async with self._client() as client:
            metadata = await self._described(client)
            if issuer is None and metadata.authorization_response_iss_parameter_supported:
                raise Untrusted("its answer does not say who it is")
            if issuer is not None and metadata.issuer and issuer != metadata.issuer:
                raise Untrusted("the answer is another provider's")
            methods = metadata.token_endpoint_auth_methods_supported
            if methods and "client_secret_basic" not in methods and "client_secret_post" in methods:
                client.token_endpoint_auth_method = "client_secret_post"  # noqa: S105  # the name of a method
            token = await client.fetch_token(
                metadata.token_endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
            )
            if not metadata.issuer:
                return await self._userinfo(client, metadata)
            return await self._proved(client, metadata, token, nonce)

    async def end_session_url(self, back: str) -> str | None:
        """Where the browser goes to sign out at the provider too, if it can (OpenID Connect RP-Initiated Logout 1.0)."""
        async with self._client() as client:
            endpoint = (await self._described(client)).end_session_endpoint
        if not endpoint:
            return None
        parameters = {"client_id": self._provider.client_id, "post_logout_redirect_uri": back}
        return str(httpx2.URL(endpoint).copy_merge_params(parameters))

    def _client(self) -> Any:  # noqa: ANN401  # Authlib is not typed
        provider = self._provider
        return AsyncOAuth2Client(
            client_id=provider.client_id,
            client_secret=self._secret,
            scope=provider.scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=provider.timeout,
            transport=_Transport(verify=_trusted(), trust_env=False),
            trust_env=False,
            follow_redirects=False,
        )

    async def _described(self, client: Any) -> Metadata:  # noqa: ANN401  # Authlib is not typed
        """The metadata; of plain OAuth 2 what the configuration says, without an issuer."""
        provider = self._provider
        if provider.server_metadata_url is None:
            return Metadata(
                issuer="",
                authorization_endpoint=provider.authorize_url or "",
                token_endpoint=provider.token_url or "",
                userinfo_endpoint=provider.userinfo_url or "",
            )
        now = time.monotonic()
        if self._metadata is None or now > self._metadata_since + METADATA_SECONDS:
            found = msgspec.json.decode(await _body(client, provider.server_metadata_url), type=Metadata)
            _check(found, provider.server_metadata_url)
            self._metadata, self._metadata_since = found, now
        return self._metadata

    async def _proved(
        self,
        client: Any,  # noqa: ANN401  # Authlib is not typed
        metadata: Metadata,
        token: Mapping[str, object],
        nonce: str,
    ) -> Mapping[str, object]:
        """The claims of the ID token, and those of the user info that it lacks."""
        text = token.get("id_token")
        if not isinstance(text, str):
            raise Untrusted("it gave no ID token")
        verified = await self._verified(client, metadata, text)
        options = {
            "iss": {"essential": True, "values": [metadata.issuer]},
            "aud": {"essential": True, "values": [self._provider.client_id]},
        }
        parameters = {"nonce": nonce, "client_id": self._provider.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(verified.claims, verified.header, options, parameters)
        claims.validate(leeway=LEEWAY)
        subject, told = claims.get("sub"), claims.get("nonce")
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX:
            raise Untrusted("its ID token has no subject")
        if not isinstance(told, str) or not hmac.compare_digest(told.encode(), nonce.encode()):
            raise Untrusted("its ID token is for another sign-in")
        provider = self._provider
        wanted = {provider.id_claim, provider.name_claim, provider.email_claim, *provider.allow}
        if wanted <= claims.keys() or not metadata.userinfo_endpoint:
            return dict(claims)
        more = await self._userinfo(client, metadata)
        if more.get("sub") != subject:
            raise Untrusted("its user info is somebody else's")
        return {**more, **claims}

    async def _verified(self, client: Any, metadata: Metadata, text: str) -> jwt.Token:  # noqa: ANN401  # Authlib is not typed
        told = metadata.id_token_signing_alg_values_supported or ["RS256"]
        registry = JWSRegistry(algorithms=[name for name in ALGORITHMS if name in told], strict_check_header=False)
        now = time.monotonic()
        if self._keys is None or now > self._keys_since + METADATA_SECONDS:
            await self._fetch_keys(client, metadata)
        assert self._keys is not None  # noqa: S101  # fetched, or it has raised
        try:
            return jwt.decode(text, self._keys, registry=registry)
        except InvalidKeyIdError:
            if now < self._keys_since + REFETCH_SECONDS:
                raise
            await self._fetch_keys(client, metadata)
            return jwt.decode(text, self._keys, registry=registry)

    async def _fetch_keys(self, client: Any, metadata: Metadata) -> None:  # noqa: ANN401  # Authlib is not typed
        """The provider's public keys that are for signatures."""
        published = msgspec.json.decode(await _body(client, metadata.jwks_uri), type=dict[str, list[dict[str, Any]]])
        keys = [key for data in published.get("keys", [])[:KEYS_MAX] if (key := _usable(data)) is not None]
        if not keys:
            raise Untrusted("it publishes no key that can be used")
        self._keys, self._keys_since = KeySet(keys), time.monotonic()

    async def _userinfo(self, client: Any, metadata: Metadata) -> Mapping[str, object]:  # noqa: ANN401  # Authlib is not typed
        reply = await client.get(metadata.userinfo_endpoint)
        return msgspec.json.decode(_good(reply), type=dict[str, object])


def _usable(data: dict[str, Any]) -> Key | None:
    """The public key, if it is one for signatures; what it is else is none of our business (RFC 7517, 5)."""
    try:
        if data["kty"] not in _KEY_TYPES or data.get("use", "sig") != "sig" or "d" in data:
            return None
        return JWKRegistry.import_key(data)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _check(metadata: Metadata, url: str) -> None:
    """Raise Untrusted for metadata that are another provider's, or lead away from TLS."""
    if not metadata.issuer or not metadata.jwks_uri:
        raise Untrusted("its metadata name no issuer or no keys")
    base, found, _ = url.partition(_DISCOVERY)
    if found and base.rstrip("/") != metadata.issuer.rstrip("/"):
        raise Untrusted("its metadata are another issuer's")
    schemes = ("https://",) if url.startswith("https://") else ("http://", "https://")
    endpoints = (
        metadata.authorization_endpoint,
        metadata.token_endpoint,
        metadata.jwks_uri,
        metadata.userinfo_endpoint,
        metadata.end_session_endpoint,
    )
    if not all(endpoint.startswith(schemes) for endpoint in endpoints if endpoint):
        raise Untrusted("its metadata name an address that cannot be used")


async def _body(client: Any, url: str) -> bytes:  # noqa: ANN401  # Authlib is not typed
    return _good(await client.request("GET", url, withhold_token=True))


def _good(reply: httpx2.Response) -> bytes:
    if reply.status_code != httpx2.codes.OK:
        raise Untrusted(f"it answers {reply.status_code}")
    return reply.content


ERRORS: Final = (
    *(Untrusted, JoseError, msgspec.MsgspecError),
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError),
)
"""What a provider that cannot be believed makes of its answers."""
