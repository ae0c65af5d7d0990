"""The configuration file: every wrong key is an error that names it."""

from pathlib import Path

import pytest

from shared.config import Config, ConfigError, load

WRONG = {
    "x = 1": "unknown key `x`",
    "[api]\nprot = 1": "unknown key `prot` - at `api`",
    "[api]\nport = 65536": "api.port",
    "[api]\nport = '80'": "api.port",
    "[api]\ncreate_workspaces = 'everyone'": "api.create_workspaces",
    "[guest]\nring = 1": "guest.ring",
    "[guest]\ngit_protocols = ['ext']": "guest.git_protocols",
    "[hostd]\nuid_first = 0": "hostd.uid_first",
    "[hostd]\nuid_first = 300000\nuid_last = 200000": "uid_first is greater",
    "[hostd]\nrequire = ['magic']": "hostd.require",
    "state = 'relative'": "state",
    "state = '/a/../b'": "..",
    "state = '/tmp/x'": "/tmp",
    "run = '/var/tmp/x'": "/tmp",
    f"run = '/{'x' * 90}'": "too long",
    "user = 'Root!'": "user",
    "a = [": "Invalid value",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_an_error_that_says_where(text: str, tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"hostel\.toml: ") as caught:
        load(file)
    assert WRONG[text] in str(caught.value)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_text("")
    assert Config() == load(file)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "absent.toml")


def test_a_file_that_is_not_utf8_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(file)
