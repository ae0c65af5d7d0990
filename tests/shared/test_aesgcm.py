"""AES-256-GCM of the standard library's libcrypto is that of everybody else."""

import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.aesgcm import KEY, NONCE, TAG, decrypt, encrypt
from shared.errors import Fault

KEYS = st.binary(min_size=KEY, max_size=KEY)
NONCES = st.binary(min_size=NONCE, max_size=NONCE)


def test_the_vectors_of_the_specification() -> None:
    """Test cases 13 to 16 of McGrew and Viega, the authors of GCM."""
    zero, nonce = bytes(32), bytes(12)
    assert "530f8afbc74536b9a963b4f1c4cb738b" == encrypt(zero, nonce, b"", b"").hex()
    assert "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" == encrypt(zero, nonce, bytes(16), b"").hex()
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    owner = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = encrypt(key, nonce, plain, owner)
    assert "76fc6ece0f4e1768cddf8853bb2d551b" == sealed[-TAG:].hex()
    assert plain == decrypt(key, nonce, sealed, owner)


@given(KEYS, NONCES, st.binary(max_size=5000), st.binary(max_size=100))
def test_both_ways_with_another_implementation(key: bytes, nonce: bytes, plain: bytes, owner: bytes) -> None:
    theirs = AESGCM(key).encrypt(nonce, plain, owner)
    assert theirs == encrypt(key, nonce, plain, owner)
    assert plain == decrypt(key, nonce, theirs, owner)


@given(st.data())
def test_whatever_is_changed_is_found(data: st.DataObject) -> None:
    key, nonce, owner = secrets.token_bytes(KEY), secrets.token_bytes(NONCE), b"owner"
    sealed = bytearray(encrypt(key, nonce, b"some text that is sealed", owner))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    assert None is decrypt(key, nonce, bytes(sealed), owner)
    sealed = bytearray(encrypt(key, nonce, b"text", owner))
    assert None is decrypt(key, nonce, bytes(sealed), b"other")
    assert None is decrypt(secrets.token_bytes(KEY), nonce, bytes(sealed), owner)
    for size in range(len(sealed)):
        assert None is decrypt(key, nonce, bytes(sealed[:size]), owner)


@pytest.mark.parametrize(("key", "nonce"), [(31, 12), (33, 12), (0, 12), (32, 11), (32, 13), (32, 0)])
def test_a_wrong_length_is_refused(key: int, nonce: int) -> None:
    with pytest.raises(Fault):
        encrypt(bytes(key), bytes(nonce), b"x", b"")
    assert None is decrypt(bytes(key), bytes(nonce), bytes(40), b"")
