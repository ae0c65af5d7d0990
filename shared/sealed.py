"""Secrets as sealed text: PREFIX and, in base64, the key's id, a nonce, the ciphertext and its tag. For its owner alone."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from shared import aesgcm

PREFIX: Final = "\0hostel1:"
"""No credential holds a NUL, so that none is taken for a sealed one."""
_ID: Final = 8


def new_key() -> bytes:
    """A fresh key."""
    return secrets.token_bytes(aesgcm.KEY)


def key_id(key: bytes) -> bytes:
    """What stands for the key in what it sealed."""
    return hashlib.sha256(b"hostel master " + key).digest()[:_ID]


def seal(key: bytes, owner: str, plain: str) -> str:
    """`plain` for `owner`, as text."""
    nonce = secrets.token_bytes(aesgcm.NONCE)
    body = aesgcm.encrypt(key, nonce, plain.encode(), owner.encode())
    return PREFIX + base64.b64encode(key_id(key) + nonce + body).decode()


def unseal(keys: Sequence[bytes], owner: str, sealed: str) -> str | None:
    """What was sealed for `owner`; None when no key opens it, as it was changed, was another's, or the key is lost."""
    try:
        data = base64.b64decode(sealed.removeprefix(PREFIX))
    except ValueError:
        return None
    nonce, body = data[_ID : _ID + aesgcm.NONCE], data[_ID + aesgcm.NONCE :]
    key = next((one for one in keys if key_id(one) == data[:_ID]), None)
    plain = aesgcm.decrypt(key, nonce, body, owner.encode()) if key else None
    return None if plain is None else plain.decode()
