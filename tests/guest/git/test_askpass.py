import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from guest.git import askpass

NOTE = {"server": "example.org:8443", "username": "me", "secret": "hush"}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Username for 'https://example.org:8443': ", "me"),
        ("Password for 'https://me@example.org:8443': ", "hush"),
        ("Password for 'https://me@example.org:8443/a/b.git': ", "hush"),
        ("Password for 'https://me@example.org': ", None),
        ("Password for 'https://example.org:8443@evil.org': ", None),
        ("Password for 'https://evil.org/example.org:8443': ", None),
        ("Password for 'http://me@example.org:8443': ", None),
        ("Enter passphrase for key '/x': ", None),
        ("", None),
    ],
)
def test_only_the_server_that_the_credential_is_for_gets_it(prompt: str, expected: str | None) -> None:
    assert expected == askpass.answer(prompt, NOTE)


def test_as_a_program_it_reads_the_descriptor_from_its_start_each_time() -> None:
    fd = os.memfd_create("test")
    os.write(fd, json.dumps(NOTE).encode())
    argv = [sys.executable, "-I", "-S", str(Path(askpass.__file__)), "Password for 'https://me@example.org:8443': "]
    for _ in range(2):
        result = subprocess.run(argv, pass_fds=[fd], env={"HOSTEL_ASKPASS_FD": str(fd)}, capture_output=True, check=True)
        assert result.stdout == b"hush\n"
    os.close(fd)
