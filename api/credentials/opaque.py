"""Tokens that mean nothing by themselves: a prefix that tells the kind, 256 random bits in base62, and a checksum.

The checksum says of a mistyped token that it is none before anything is looked up, and lets scanners tell a leaked one from
noise. It keeps nobody out.
"""

import re
import zlib
from typing import Final

from shared.secret import Secret

SEED: Final = 32
"""Bytes that a token is made of."""
BODY: Final = 43
"""Characters that hold 256 bits: 62^43 is just more than 2^256."""
CHECKSUM: Final = 6
SHOWN: Final = 12
"""Characters that may be shown of a token, so that its owner knows it again. Those after the prefix hold some 47 bits."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TEXT: Final = re.compile(f"([a-z]+_)([0-9A-Za-z]{{{BODY}}})([0-9A-Za-z]{{{CHECKSUM}}})")


def opaque(prefix: str, seed: bytes) -> Secret:
    """The token of that kind that `seed`, 32 random bytes, stands for."""
    text = prefix + _base62(int.from_bytes(seed), BODY)
    return Secret(text + _checksum(text))


def is_opaque(prefix: str, text: str) -> bool:
    """Whether `text` could be a token of that kind."""
    found = _TEXT.fullmatch(text)
    return found is not None and found[1] == prefix and found[3] == _checksum(found[1] + found[2])


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), CHECKSUM)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
