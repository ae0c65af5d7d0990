"""The server's keys."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.serverkeys.keys import Keys
from shared.errors import Code, Fault


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    first, second = Keys(tmp_path / "keys"), Keys(tmp_path / "keys")
    assert first.signing.kid == second.signing.kid
    assert 0o700 == stat.S_IMODE((tmp_path / "keys").stat().st_mode)
    assert {"seal", "signing-1.pem"} == {path.name for path in (tmp_path / "keys").iterdir()}
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}


def test_two_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Keys(tmp_path / "keys"), range(16)))
    assert 1 == len({keys.signing.kid for keys in made})
    sealed = made[0].seal("p", "o", b"x")
    assert {b"x"} == {keys.unseal("p", "o", sealed) for keys in made}


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Keys(tmp_path / "keys")
    (tmp_path / "keys/seal").chmod(0o644)
    with pytest.raises(Fault, match="chmod 600"):
        Keys(tmp_path / "keys")


def test_a_link_in_place_of_a_key_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "other").write_bytes(bytes(32))
    (tmp_path / "other").chmod(0o600)
    (tmp_path / "keys/seal").symlink_to(tmp_path / "other")
    with pytest.raises(Fault):
        Keys(tmp_path / "keys")


def test_a_broken_key_is_refused(tmp_path: Path) -> None:
    Keys(tmp_path / "keys")
    (tmp_path / "keys/signing-1.pem").write_text("x")
    with pytest.raises(Fault):
        Keys(tmp_path / "keys")


def test_what_is_sealed_opens_only_for_its_purpose_and_owner(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    sealed = keys.seal("purpose", "owner", b"SENTINEL")
    assert b"SENTINEL" not in sealed
    assert b"SENTINEL" == keys.unseal("purpose", "owner", sealed)
    broken = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for purpose, owner, data in (("other", "owner", sealed), ("purpose", "other", sealed), ("purpose", "owner", broken)):
        with pytest.raises(Fault) as caught:
            keys.unseal(purpose, owner, data)
        assert Code.INTERNAL is caught.value.code


def test_what_was_sealed_before_there_were_several_keys_still_opens(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    key = (tmp_path / "keys/seal").read_bytes()
    nonce = bytes(12)
    cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"purpose").derive(key))
    old = nonce + cipher.encrypt(nonce, b"SENTINEL", b"owner")
    assert b"SENTINEL" == keys.unseal("purpose", "owner", old)
    keys.rotate_seal()
    assert b"SENTINEL" == Keys(tmp_path / "keys").unseal("purpose", "owner", old)


def test_the_tenth_key_is_newer_than_the_ninth(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    made = [keys.rotate().kid for _ in range(12)]
    assert made[-1] == Keys(tmp_path / "keys").signing.kid
    assert made == [key.kid for key in Keys(tmp_path / "keys").all][1:]


def test_a_clock_that_was_set_back_still_makes_a_newer_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path / "keys")
    first = keys.rotate()
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert keys.rotate().number == first.number + 1


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_seal_key_of_another_length_is_refused(tmp_path: Path, size: int) -> None:
    Keys(tmp_path / "keys")
    (tmp_path / "keys/seal").write_bytes(bytes(size))
    with pytest.raises(Fault, match="32 bytes"):
        Keys(tmp_path / "keys")


@pytest.mark.parametrize("data", [b"", b"x", b"\x00hs1", b"\x00hs1" + bytes(8), bytes(100)])
def test_what_nobody_sealed_does_not_open(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Fault, match="does not open"):
        Keys(tmp_path / "keys").unseal("purpose", "owner", data)
