"""The server's keys, in one folder that only its user reads: Ed25519 keys that sign tokens, and keys that seal what is stored.

The newest of each kind is in use; those before it verify and open what was made with them. A file's number is the time of its
making, and so of the retirement of the one before. A signing key's id is its thumbprint (RFC 7638).
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.serverkeys.files import base64url, number_of, read_key, write_key
from shared.errors import Code, Fault

VERIFIES: Final = 86_400 + 300
"""Seconds for which a retired key verifies: the longest life that the configuration can give a token, and some for clocks."""
OPENS: Final = 3 * 86_400
"""Seconds for which a retired seal key opens what is kept briefly; the rest is sealed anew at once."""
SIGNING_MAX: Final = 32
"""Signing keys at a time; another rotation waits until one has gone."""
_NONCE: Final = 12
_KEY: Final = 32
_MARK: Final = b"\x00hs1"
"""Of what is sealed under a named key. Before there were several, it began with the nonce."""
_ID: Final = 8
_SIGNING: Final = re.compile(r"signing-(\d{1,15})\.pem")
_SEAL: Final = re.compile(r"seal(?:-(\d{1,15}))?")


class Jwk(msgspec.Struct, frozen=True):
    """A public key (RFC 7517, RFC 8037)."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = "EdDSA"
    use: str = "sig"


class Jwks(msgspec.Struct, frozen=True):
    """The keys that verify this server's tokens."""

    keys: tuple[Jwk, ...]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its id."""

    kid: str
    private: Ed25519PrivateKey
    number: int
    """Of its file: seconds since the epoch, or a small number for the first."""

    @property
    def public(self) -> Ed25519PublicKey:
        """What verifies."""
        return self.private.public_key()


class Keys:
    """The keys of one folder."""

    def __init__(self, folder: Path) -> None:
        """Load the keys in `folder`, and make what is not there. Raises Fault FAILED when others could read them."""
        self._folder = folder
        self._seals: list[tuple[int, bytes]] = []
        self._cipher = lru_cache(256)(_cipher)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._load()
        except (OSError, ValueError) as error:
            raise Fault(Code.FAILED, f"the keys in {folder} cannot be used: {error}") from error

    def _load(self) -> None:
        found = sorted(self._numbered(_SIGNING))
        if not found:
            write_key(self._folder / "signing-1.pem", _new_signing_key())
            found = self._numbered(_SIGNING)
        self.retired = [_signing_key(read_key(path), number) for number, path in found]
        self.signing = self.retired.pop()
        seals = sorted(self._numbered(_SEAL))
        if not seals:
            write_key(self._folder / "seal", secrets.token_bytes(_KEY))
            seals = self._numbered(_SEAL)
        # One whose file was removed stays until the process ends: what was read before may be in memory as it was.
        self._seals = sorted({**dict(self._seals), **{number: _seal_key(read_key(path)) for number, path in seals}}.items())
        self.public = {key.kid: key.public for key in self.all}

    def _numbered(self, pattern: re.Pattern[str]) -> list[tuple[int, Path]]:
        matches = ((pattern.fullmatch(path.name), path) for path in self._folder.iterdir())
        return [(int(match[1] or 0), path) for match, path in matches if match]

    @property
    def all(self) -> list[SigningKey]:
        """The signing keys, oldest first; the last one signs."""
        return [*self.retired, self.signing]

    def verifies_until(self, key: SigningKey) -> float | None:
        """When a retired key is removed, in seconds since the epoch; None for the one that signs."""
        following = [other.number for other in self.all if other.number > key.number]
        return min(following) + VERIFIES if following else None

    def rotate(self) -> SigningKey:
        """Make a key, which signs from now on; the one before verifies until its last token has expired. Fault LIMIT."""
        if len(self.all) >= SIGNING_MAX:
            raise Fault(Code.LIMIT, f"there are {SIGNING_MAX} signing keys; revoke some, or wait until they have expired")
        write_key(self._folder / f"signing-{number_of(self.signing.number)}.pem", _new_signing_key())
        self._load()
        return self.signing

    def revoke(self, kid: str) -> None:
        """Remove a key at once: no token that it signed is good any more. Fault NOT_FOUND. The last is replaced."""
        key = next((key for key in self.all if key.kid == kid), None)
        if key is None:
            raise Fault(Code.NOT_FOUND, "there is no such signing key")
        if key is self.signing:
            write_key(self._folder / f"signing-{number_of(key.number)}.pem", _new_signing_key())
        self._remove(self._folder / f"signing-{key.number}.pem")

    def purge(self, now: float) -> None:
        """Remove the keys whose last token has expired, and the seal keys under which nothing is sealed any more."""
        for key in self.retired:
            if (until := self.verifies_until(key)) is not None and until < now:
                self._remove(self._folder / f"signing-{key.number}.pem")
        for (number, _), (following, _) in zip(self._seals, self._seals[1:], strict=False):
            if following + OPENS < now and (self._folder / f"resealed-{following}").exists():
                (self._folder / f"resealed-{number}").unlink(missing_ok=True)
                self._remove(self._folder / (f"seal-{number}" if number else "seal"))

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._load()

    def jwks(self) -> Jwks:
        """The public keys, as anyone may have them."""
        return Jwks(tuple(Jwk(kid, _x(key)) for kid, key in self.public.items()))

    def rotate_seal(self) -> None:
        """Make a key that seals from now on, unless the last one is not in use everywhere yet."""
        if len(self._seals) > 1 and not self.resealed.exists():
            return
        number = number_of(self._seals[-1][0])
        write_key(self._folder / f"seal-{number}", secrets.token_bytes(_KEY))
        self._load()

    @property
    def resealed(self) -> Path:
        """A file that is there once all that is kept for long is sealed under the newest key."""
        return self._folder / f"resealed-{self._seals[-1][0]}"

    def seal(self, purpose: str, owner: str, plain: bytes) -> bytes:
        """`plain`, encrypted for `purpose` and bound to `owner`: a mark, the key's id, a nonce, then AES-GCM."""
        nonce, key = secrets.token_bytes(_NONCE), self._seals[-1][1]
        return self.seal_head + nonce + self._cipher(key, purpose).encrypt(nonce, plain, owner.encode())

    @property
    def seal_head(self) -> bytes:
        """How all begins that is sealed under the newest key."""
        return _MARK + _key_id(self._seals[-1][1])

    def unseal(self, purpose: str, owner: str, sealed: bytes) -> bytes:
        """What was sealed. Raises Fault INTERNAL when it was made for another purpose or owner, or by another server."""
        for number, key in reversed(self._seals):
            head = len(_MARK) + _ID if sealed.startswith(_MARK + _key_id(key)) else 0
            if head or not number:
                try:
                    nonce, data = sealed[head : head + _NONCE], sealed[head + _NONCE :]
                    return self._cipher(key, purpose).decrypt(nonce, data, owner.encode())
                except (InvalidTag, ValueError):
                    continue
        raise Fault(Code.INTERNAL, "a sealed record does not open with this server's keys")


def _cipher(key: bytes, purpose: str) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), _KEY, salt=None, info=purpose.encode()).derive(key))


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"hostel seal " + key).digest()[:_ID]


def _seal_key(data: bytes) -> bytes:
    if len(data) != _KEY:
        raise ValueError(f"a seal key must have {_KEY} bytes")
    return data


def _new_signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _signing_key(pem: bytes, number: int) -> SigningKey:
    private = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("a signing key is not an Ed25519 key")  # noqa: TRY004  # the file is wrong, not an argument's type
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_x(private.public_key())}"}}'
    return SigningKey(base64url(hashlib.sha256(members.encode()).digest()), private, number)


def _x(key: Ed25519PublicKey) -> str:
    return base64url(key.public_bytes_raw())
