"""The server's keys, in one folder that only its user reads: Ed25519 keys that sign tokens, and one that seals what is stored.

The newest signing key signs; all that are there verify. A key's id is its thumbprint (RFC 7638).
"""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import Code, Fault

_NONCE: Final = 12
_KEY: Final = 32
_PRIVATE: Final = 0o077


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


class Keys:
    """The keys of one folder."""

    def __init__(self, folder: Path) -> None:
        """Load the keys in `folder`, and make what is not there. Raises Fault FAILED when others could read them."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._seal = _read(folder / "seal") or _write(folder / "seal", secrets.token_bytes(_KEY))
            # Names begin with the time of making, so the last is the newest.
            pems = [_read(path) for path in sorted(folder.glob("signing-*.pem"))]
            if not pems:
                pems = [_write(folder / "signing-1.pem", _new_signing_key())]
            signing = [_signing_key(pem) for pem in pems if pem]
        except (OSError, ValueError) as error:
            raise Fault(Code.FAILED, f"the keys in {folder} cannot be used: {error}") from error
        self.signing = signing[-1]
        self.public: dict[str, Ed25519PublicKey] = {key.kid: key.private.public_key() for key in signing}

    def jwks(self) -> Jwks:
        """The public keys, as anyone may have them."""
        return Jwks(tuple(Jwk(kid, _x(key)) for kid, key in self.public.items()))

    def seal(self, purpose: str, owner: str, plain: bytes) -> bytes:
        """`plain`, encrypted for `purpose` and bound to `owner`: nonce, then AES-GCM."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher(purpose).encrypt(nonce, plain, owner.encode())

    def unseal(self, purpose: str, owner: str, sealed: bytes) -> bytes:
        """What was sealed. Raises Fault INTERNAL when it was made for another purpose or owner, or by another server."""
        try:
            return self._cipher(purpose).decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        except InvalidTag:
            raise Fault(Code.INTERNAL, "a sealed record does not open with this server's key") from None

    def _cipher(self, purpose: str) -> AESGCM:
        return AESGCM(HKDF(hashes.SHA256(), _KEY, salt=None, info=purpose.encode()).derive(self._seal))


def _new_signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _signing_key(pem: bytes) -> SigningKey:
    private = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("a signing key is not an Ed25519 key")  # noqa: TRY004  # the file is wrong, not an argument's type
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_x(private.public_key())}"}}'
    return SigningKey(_base64url(hashlib.sha256(members.encode()).digest()), private)


def _x(key: Ed25519PublicKey) -> str:
    return _base64url(key.public_bytes_raw())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(path: Path) -> bytes | None:
    """The file, or None when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        if os.fstat(fd).st_mode & _PRIVATE:
            raise PermissionError(f"{path.name} is readable by others than its owner; chmod 600 it")
        return file.read()


def _write(path: Path, data: bytes) -> bytes:
    """Make the file whole or not at all, and return what it holds: another's, when that one was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)
    try:
        os.link(draft, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        draft.unlink()
    return data
