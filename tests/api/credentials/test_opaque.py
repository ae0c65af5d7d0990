import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.credentials.opaque import is_opaque, opaque

TOKEN = opaque("hst_", bytes(range(32))).reveal()


def test_a_token_is_its_prefix_256_bits_and_a_checksum() -> None:
    """The form is a promise to scanners for leaked tokens: it must not change."""
    assert "hst_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf4B7co3" == TOKEN
    assert 4 + 43 + 6 == len(TOKEN)
    assert 53 == len(opaque("hst_", b"\xff" * 32).reveal())
    assert 53 == len(opaque("hst_", bytes(32)).reveal())


@given(st.binary(min_size=32, max_size=32))
def test_what_is_made_is_well_formed_and_differs(seed: bytes) -> None:
    text = opaque("hot_", seed).reveal()
    assert is_opaque("hot_", text)
    assert not is_opaque("hst_", text)
    assert text != opaque("hot_", bytes([seed[0] ^ 1]) + seed[1:]).reveal()


@pytest.mark.parametrize("index", range(len(TOKEN)))
def test_any_mistyped_character_is_noticed(index: int) -> None:
    assert is_opaque("hst_", TOKEN)
    wrong = "x" if TOKEN[index] != "x" else "y"
    assert not is_opaque("hst_", TOKEN[:index] + wrong + TOKEN[index + 1 :])


@pytest.mark.parametrize(
    "text", ["", "hst_", TOKEN[:-1], TOKEN + "a", TOKEN + "\n", " " + TOKEN, TOKEN.replace("0", "é"), "hst_" + "a" * 10_000]
)
def test_what_has_another_length_or_other_characters_is_none(text: str) -> None:
    assert not is_opaque("hst_", text)


@given(st.text(max_size=80))
def test_no_text_is_a_token(text: str) -> None:
    assert not is_opaque("hst_", "hst_" + text)


def test_two_transposed_characters_are_noticed() -> None:
    for _ in range(200):
        text = opaque("hst_", secrets.token_bytes(32)).reveal()
        swapped = text[:10] + text[11] + text[10] + text[12:]
        assert swapped == text or not is_opaque("hst_", swapped)
