"""Accounts are read from the files themselves."""

from pathlib import Path

import pytest

from hostd import users
from hostd.users import Account


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(users, "_PASSWD", tmp_path / "passwd")
    monkeypatch.setattr(users, "_GROUP", tmp_path / "group")
    (tmp_path / "passwd").write_bytes(
        b"root:x:0:0:root:/root:/bin/bash\nw1:x:1001:1001::/home/w1:/bin/sh\n\nbroken:x\n\xff:x:7:8::/:\n+::::::\n"
    )
    (tmp_path / "group").write_bytes(b"root:x:0:\nw1:x:1001:\nwheel:x:33:root,w1\n")
    return tmp_path


@pytest.mark.usefixtures("files")
def test_an_account_is_found_by_its_whole_name() -> None:
    assert Account("w1", 1001, 1001, "/home/w1") == users.find("w1")
    for name in ("w", "w11", "broken", "x", ""):
        assert None is users.find(name)


@pytest.mark.usefixtures("files")
def test_every_number_of_a_user_or_a_group_is_taken() -> None:
    assert {0, 1001, 7, 8, 33} == users.taken_ids()
