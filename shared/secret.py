"""A string that cannot be printed by accident."""

from typing import Any, Final

_MASK: Final = "****"


class Secret:
    """A credential. `str`, `repr` and the logger show `****`; only `reveal()` gives the text.

    msgspec structs take it as a field type; `decode_hook` and `encode_hook` carry it over a wire.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap `text`."""
        self._text = text

    def reveal(self) -> str:
        """The text itself. Each caller of this is a place to look at in a review."""
        return self._text

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        import hmac  # noqa: PLC0415  # it loads OpenSSL, which a guest has no other use for

        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        """Hash the text, so that frozen structs with secrets stay hashable."""
        return hash(self._text)

    def __repr__(self) -> str:
        """Never the text."""
        return _MASK

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Refuse to be pickled: a pickle would hold the text."""
        raise TypeError("a Secret cannot be pickled")


def decode_hook(kind: type, value: object) -> object:
    """Msgspec `dec_hook`: a plain string becomes a `Secret` where the field says so."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")


def encode_hook(value: object) -> object:
    """Msgspec `enc_hook` for frames. HTTP replies use an encoder without it, so that a Secret cannot leave by mistake."""
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"cannot encode {type(value).__name__}")
