import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.environments import CHECKOUT, Sources, digest
from tools.setup import check, with_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "\n[api]\nport = 9\n"),
        ("[api]\nport = 8080\n", "[api]\nport = 9\n"),
        ("[api]\nport = 8080  # mine\n", "[api]\nport = 9  # mine\n"),
        ("[api]\n#port = 8080\nlisten = '::1'\n", "[api]\nport = 9\n#port = 8080\nlisten = '::1'\n"),
        ("[api]", "[api]\nport = 9\n"),
        (
            "[hostd]\nuid_first = 1\n[api]\nport=1\n[guest]\nsessions = 2\n",
            "[hostd]\nuid_first = 1\n[api]\nport = 9\n[guest]\nsessions = 2\n",
        ),
    ],
)
def test_the_port_alone_changes_in_a_configuration(text: str, expected: str) -> None:
    assert expected == with_port(text, 9)


@given(st.integers(1, 65_535), st.integers(1, 65_535))
def test_a_changed_port_is_what_the_parser_reads(first: int, second: int) -> None:
    text = f'state = "/x"\n[api]\nlisten = "::1"\nport = {first}\n[guest]\nsessions = 3\n'
    read = tomllib.loads(with_port(text, second))
    assert {"state": "/x", "api": {"listen": "::1", "port": second}, "guest": {"sessions": 3}} == read


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("relative", "not a plain absolute path"),
        ("/var/lib/a b", "not a plain absolute path"),
        ("/var/lib/it's", "not a plain absolute path"),
        ("/var/lib/x/../y", "not a plain absolute path"),
        ("/var/lib/" + "x" * 80, "too long"),
        ("/tmp/hostel", "is under"),
        ("/var/tmp/hostel", "is under"),
    ],
)
def test_a_state_folder_that_cannot_work_is_refused(state: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        check(Path(state))
    error, hint = capsys.readouterr().err.splitlines()
    assert reason in error
    assert hint.startswith("hint: ")


def test_the_digest_follows_what_is_in_the_packages() -> None:
    assert {"api", "ctl", "guest", "hostd", "shared"} == set(Sources().packages)
    assert digest("x", "shared") == digest("x", "shared")
    assert digest("x", "shared") != digest("x", "ctl")
    assert digest("x", "shared") != digest("y", "shared")


def test_no_tool_and_no_unit_names_a_registry() -> None:
    for folder in ("tools", "systemd", ".ci"):
        for path in (CHECKOUT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                text = path.read_text(encoding="utf-8")
                assert "index-url" not in text, path
                assert "pypi." not in text, path
