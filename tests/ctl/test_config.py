"""`hostelctl config check`."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctl.cli import hostelctl

USER = pwd.getpwuid(os.getuid()).pw_name
PROVIDER = '[auth.provider.x]\ntitle = "X"\nclient_id = "a"\nserver_metadata_url = "https://a/"\n'
Check = Callable[[str], tuple[dict[str, tuple[str, str]], int]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """The findings of a configuration, by what was checked, and the exit status."""

    def run(text: str) -> tuple[dict[str, tuple[str, str]], int]:
        path = tmp_path / "hostel.toml"
        path.write_text(text if text.startswith("user") else f'user = "{USER}"\n{text}')
        result = CliRunner().invoke(hostelctl, ["config", "check", "--json", "--config", str(path)])
        return {f["check"]: (f["state"], f["detail"]) for f in json.loads(result.stdout)}, result.exit_code

    return run


def test_an_empty_configuration_is_right(check: Check) -> None:
    found, status = check("")
    assert (0, ["configuration"], "ok") == (status, list(found), found["configuration"][0])


def test_an_error_names_the_line(check: Check) -> None:
    found, status = check("[api]\nport = 1\nprot = 2\n")
    assert 1 == status
    assert found["configuration"][1].endswith("hostel.toml: line 4: api.prot: unknown key")


def test_without_json_it_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "hostel.toml"
    path.write_text("x = 1")
    result = CliRunner().invoke(hostelctl, ["config", "check", "--config", str(path)])
    assert 1 == result.exit_code
    assert "line 1: x: unknown key" in " ".join(result.stdout.split())


def test_a_secret_that_everybody_can_read_is_a_failure(check: Check, tmp_path: Path) -> None:
    text = PROVIDER + 'client_secret = "s"\n'
    (tmp_path / "hostel.toml").touch(mode=0o644)
    (tmp_path / "hostel.toml").chmod(0o644)
    found, status = check(text)
    assert (1, "failed") == (status, found["secrets"][0])
    (tmp_path / "hostel.toml").chmod(0o640)
    found, status = check(text)
    assert (0, False) == (status, "secrets" in found)


@pytest.mark.parametrize(
    ("content", "mode", "finding"),
    [
        (None, 0, ("failed", "No such file")),
        (b"", 0o600, ("failed", "is empty")),
        (b"\xff", 0o600, ("failed", "not UTF-8")),
        (b"s", 0o644, ("failed", "everybody can read")),
        (b"s", 0o200, ("failed", "cannot read")),
        (b"s", 0o600, ("ok", "secret")),
        (b"s", 0o040, ("ok", "secret")),
    ],
)
def test_a_file_with_a_secret_is_there_and_for_the_server_alone(
    check: Check, tmp_path: Path, content: bytes | None, mode: int, finding: tuple[str, str]
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    found, status = check(PROVIDER + f'client_secret_file = "{path}"\n')
    state, told = found["auth.provider.x.client_secret_file"]
    assert (int(finding[0] == "failed"), finding[0]) == (status, state)
    assert finding[1] in told


@pytest.mark.parametrize(
    ("api", "state"),
    [
        ('public_url = "http://hostel.example"\nhosts = ["hostel.example"]', "failed"),
        ('public_url = "https://hostel.example"', "failed"),
        ('public_url = "https://hostel.example"\nhosts = ["Hostel.example"]', "ok"),
        ('public_url = "https://hostel.example:8443"\nhosts = ["hostel.example:8443"]', "ok"),
        ('public_url = "http://127.0.0.1:8080"', "ok"),
        ('public_url = "http://localhost:8080"', "ok"),
        ('public_url = "http://localhost:8080/"', "ok"),
        ('public_url = "https://hostel.example/below"\nhosts = ["hostel.example"]', "failed"),
    ],
)
def test_the_public_address_is_one_that_works(check: Check, api: str, state: str) -> None:
    found, status = check(f"[api]\n{api}\n")
    assert (int(state == "failed"), state) == (status, found["api.public_url"][0])


@pytest.mark.parametrize(
    ("entry", "told"),
    [("10.0.0.1:94124", "neither a host"), ("http://x", "neither a host"), ("10.0.0.1/8", "perhaps 10.0.0.0/8 is meant")],
)
def test_what_webhooks_may_call_is_a_host_or_a_network(check: Check, entry: str, told: str) -> None:
    found, status = check(f'[webhooks]\nallow = ["10.0.0.0/8", "{entry}"]\n')
    assert (1, True) == (status, "line 3: webhooks.allow: " in found["configuration"][1])
    assert told in found["configuration"][1]


def test_a_provider_without_a_public_address_is_a_warning(check: Check) -> None:
    found, _ = check(PROVIDER + 'client_secret = "s"\n')
    assert "warning" == found["api.public_url"][0]
