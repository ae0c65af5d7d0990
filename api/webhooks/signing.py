"""How a delivery is signed: Standard Webhooks 1.0.0, symmetric (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from shared.secret import Secret

PREFIX: Final = "whsec_"


def secret_of(seed: bytes) -> Secret:
    """The secret that these random bytes make."""
    return Secret(PREFIX + base64.b64encode(seed).decode())


def headers(message: str, timestamp: int, body: bytes, secrets: Iterable[Secret]) -> dict[str, str]:
    """The headers of a delivery, with one signature for each of `secrets`: a receiver may know any of them."""
    content = f"{message}.{timestamp}.".encode() + body
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_signature(secret, content)}" for secret in secrets),
    }


def _signature(secret: Secret, content: bytes) -> str:
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
