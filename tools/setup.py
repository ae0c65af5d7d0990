"""Prepares a state folder for `make run`: the user `hostel`, the environments, the configuration, `hostelctl`.

Safe to call again; what is up to date stays as it is.
"""

import os
import pwd
import re
import shutil
import stat
from pathlib import Path
from typing import Final

from tools.console import die, step
from tools.environments import Builder, Environment
from tools.programs import CA_CERTIFICATES, ensure, run

USER: Final = "hostel"
NEEDS: Final = {
    "git": "git",
    "ssh": "openssh-client",
    "useradd": "passwd",
    "setpriv": "util-linux",
    CA_CERTIFICATES: "ca-certificates",
}
_SOCKET_MAX: Final = 107 - len("/run/guests/.sock") - 25
"""Bytes of the state folder's path, so that the sockets in it can have names: unix(7)."""

_CONFIG: Final = """\
# Written by `make run`. All keys, with their defaults: hostel.example.toml.
state = "{state}"
run = "{state}/run"

[hostd]
guest_python = "{state}/lib/guest/bin/python"

[agents]
folder = "{state}/agents"

[api]
port = {port}
"""

_HOSTELCTL: Final = """\
#!/bin/sh
exec '{state}/lib/hostd/bin/python' -I -m ctl --config '{state}/hostel.toml' "$@"
"""


def prepare(state: Path, port: int | None) -> None:
    """Make all that hostd and api need under `state`."""
    ensure(NEEDS)
    ensure_user()
    account = pwd.getpwnam(USER)
    gid = account.pw_gid
    for name, mode, group in (("", 0o711, 0), ("lib", 0o755, 0), ("bin", 0o755, 0), ("log", 0o700, 0), ("run", 0o751, gid)):
        _folder(state / name, mode, 0, group)
    _folder(state / "api", 0o700, account.pw_uid, gid)
    Builder(state / "lib/build").provide([Environment(state / "lib" / name, extras) for name, extras in environments().items()])
    _configure(state, port, gid)
    hostelctl = state / "bin/hostelctl"
    hostelctl.write_text(_HOSTELCTL.format(state=state), encoding="utf-8")
    hostelctl.chmod(0o755)


def environments() -> dict[str, str]:
    """One environment for each uid, and the extras of hostel in it: what runs as root gets as little as possible."""
    return {"hostd": "ctl,hostd", "guest": "guest", "api": "api"}


def ensure_user() -> None:
    """The system user that api runs as."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        with step(f"making the system user {USER}"):
            run(
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/usr/sbin/nologin",
                USER,
            )


def check(state: Path) -> None:
    """End with an error when `state` cannot be a state folder."""
    text = str(state)
    if not re.fullmatch(r"/[A-Za-z0-9._/+@-]+", text) or ".." in state.parts:
        die(f"STATE={text} is not a plain absolute path", hint="use letters, digits and - _ . / only")
    if len(text) > _SOCKET_MAX:
        die(f"STATE={text} is too long for the paths of the sockets in it", hint=f"use at most {_SOCKET_MAX} characters")
    if state.is_relative_to("/tmp") or state.is_relative_to("/var/tmp"):  # noqa: S108  # refused, not used
        die(
            f"STATE={text} is under {state.parts[1]}: each workspace has a /tmp and a /var/tmp of its own",
            hint="use a folder in /var/lib",
        )
    for folder in state.parents:
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            die(
                f"STATE={text} cannot be reached by the tenants: {folder} is closed to other users",
                hint="use a folder in /var/lib",
            )


def _folder(path: Path, mode: int, uid: int, gid: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, uid, gid)
    path.chmod(mode)


def _configure(state: Path, port: int | None, gid: int) -> None:
    """Write hostel.toml if there is none; in one that is there only the port changes, and only when `port` says so."""
    path = state / "hostel.toml"
    if not path.exists():
        text = _CONFIG.format(state=state, port=8080 if port is None else port)
    elif port is not None:
        text = with_port(path.read_text(encoding="utf-8"), port)
    else:
        return
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o640)
    shutil.chown(new, 0, gid)
    new.replace(path)


def with_port(text: str, port: int) -> str:
    """The configuration `text` with another `port` in its section `[api]`."""
    head, section, body = _split(text)
    changed, found = re.subn(r"(?m)^\s*port\s*=[^#\n]*?(?=\s*(#|$))", f"port = {port}", body, count=1)
    return head + section + (changed if found else f"port = {port}\n{body}")


def _split(text: str) -> tuple[str, str, str]:
    """`text` cut around the line `[api]`; the last part ends where the next section begins."""
    match = re.search(r"(?m)^\s*\[\s*api\s*\][^\n]*(?:\n|\Z)", text)
    if match is None:
        return text + "\n", "[api]\n", ""
    return text[: match.start()], match.group().rstrip("\n") + "\n", text[match.end() :]
