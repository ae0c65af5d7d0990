"""The master key, and what is sealed under it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostd.sealing import FILE, Master
from shared.errors import Code, Fault
from shared.sealed import PREFIX


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def test_what_is_sealed_opens_for_its_owner_alone(folder: int) -> None:
    master = Master(folder)
    sealed = master.seal("w1 claude", "sk-secret-ü")
    assert sealed.startswith(PREFIX)
    assert "secret" not in sealed
    assert "sk-secret-ü" == master.open("w1 claude", sealed)
    assert None is master.open("w1 codex", sealed)
    assert None is master.open("w2 claude", sealed)
    assert sealed != master.seal("w1 claude", "sk-secret-ü")


@pytest.mark.parametrize("sealed", ["", PREFIX, PREFIX + "AAAA", PREFIX + "A" * 100, PREFIX + "=", PREFIX + "ä"])
def test_what_nobody_sealed_does_not_open(folder: int, sealed: str) -> None:
    assert None is Master(folder).open("w1 claude", sealed)


def test_both_keys_open_until_the_old_one_is_forgotten(folder: int, tmp_path: Path) -> None:
    master = Master(folder)
    old = master.seal("o", "x")
    master.begin()
    master.begin()
    assert 2 == len((tmp_path / FILE).read_text().split())
    new = master.seal("o", "x")
    assert ("x", "x") == (Master(folder).open("o", old), Master(folder).open("o", new))
    master.finish()
    assert (None, "x") == (Master(folder).open("o", old), Master(folder).open("o", new))
    assert 0o600 == (tmp_path / FILE).stat().st_mode & 0o777


def test_a_key_of_the_service_manager_is_used_and_never_changed(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / FILE).write_text("ab" * 32 + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    master = Master(folder)
    sealed = master.seal("o", "x")
    master.begin()
    master.finish()
    assert "x" == Master(folder).open("o", sealed)
    assert "ab" * 32 + "\n" == (given / FILE).read_text()
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("content", ["", "\n", "xyz", "ab" * 31, "ab" * 33, "ab" * 32 + "\nab"])
def test_a_damaged_key_is_refused_and_not_quoted(folder: int, tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(Fault, match="is damaged") as caught:
        Master(folder)
    assert Code.FAILED == caught.value.code
    assert not content.strip() or content not in str(caught.value)
