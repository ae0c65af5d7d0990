"""`make install`: puts hostel where the system expects a daemon. DESTDIR is a root to install under, for packages.

The environments are made beside their place, told where they will be, and put there in one move: guests that run from the
ones before find whole files at any time.
"""

import argparse
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.console import die, say, step
from tools.environments import CHECKOUT, STAMP, Builder, Environment
from tools.programs import end_on_signals, ensure, run
from tools.setup import NEEDS, environments

DEFAULT_LIB: Final = "/usr/lib/hostel"
UNITS: Final = ("hostel-hostd.socket", "hostel-hostd.service", "hostel-api.service", "hostel-guests.slice")
COMPLETIONS: Final = {
    "bash": "share/bash-completion/completions/hostelctl",
    "zsh": "share/zsh/vendor-completions/_hostelctl",
    "fish": "share/fish/vendor_completions.d/hostelctl.fish",
}
_MAN: Final = """
import sys
from click_man.core import write_man_pages
from ctl.cli import hostelctl
write_man_pages("hostelctl", hostelctl, version=sys.argv[1], target_dir=sys.argv[2], date=sys.argv[3])
"""
_HOSTELCTL: Final = '#!/bin/sh\nexec {lib}/hostd/bin/python -I -m ctl "$@"\n'


class Installation:
    """The places under one DESTDIR and PREFIX."""

    def __init__(self, destdir: str, prefix: str) -> None:
        """`destdir` is empty, or the folder that stands for the root of the target."""
        self.destdir = destdir.rstrip("/")
        self.prefix = prefix
        self.lib = f"{prefix}/lib/hostel"

    def at(self, path: str) -> Path:
        """Where the target's `path` is now; its folder is there."""
        place = Path(self.destdir + path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the target."""
        place = self.at(path)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def copy(self, source: str, path: str) -> None:
        """Copy a text of the checkout, which speaks of the default prefix."""
        text = (CHECKOUT / source).read_text(encoding="utf-8")
        self.write(path, text.replace(DEFAULT_LIB, self.lib))

    def install(self) -> None:
        """Put all in place."""
        staging = self.at(f"{self.lib}.new")
        shutil.rmtree(staging, ignore_errors=True)
        builder = Builder(staging / "build")
        manual = Environment(staging / "manual", "ctl")
        builder.provide([*(Environment(staging / name, extras) for name, extras in environments().items()), manual])
        builder.require(manual, "click-man")
        with step("writing man pages and completions"):
            self._manual(manual)
        with step(f"moving the environments to {self.lib}"):
            for temporary in ("build", "manual"):
                shutil.rmtree(staging / temporary)
            for name in environments():
                self._settle(staging / name, f"{self.lib}/{name}")
            self._replace(staging)
        self._system_files()

    def _replace(self, staging: Path) -> None:
        place, old = self.at(self.lib), self.at(f"{self.lib}.old")
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.replace(old)
        staging.replace(place)
        shutil.rmtree(old, ignore_errors=True)

    def _manual(self, environment: Environment) -> None:
        date = (
            datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", datetime.now(UTC).timestamp())), UTC)
            .date()
            .isoformat()
        )
        version = run(
            environment.python, "-I", "-c", "from importlib.metadata import version; print(version('hostel'))"
        ).strip()
        folder = self.at(f"{self.prefix}/share/man/man1/hostelctl.1").parent
        run(environment.python, "-I", "-c", _MAN, version, folder, date)
        for shell, path in COMPLETIONS.items():
            source = run("env", f"_HOSTELCTL_COMPLETE={shell}_source", environment.python, "-I", "-m", "ctl")
            self.write(f"{self.prefix}/{path}", source)

    def _settle(self, folder: Path, place: str) -> None:
        """Tell an environment its place in the target, and drop what only a person who works in it needs."""
        for path in folder.glob("bin/*"):
            if not path.is_symlink():
                if re.match("(?i)activate", path.name):
                    path.unlink()
                else:
                    _rewrite(path, str(folder), place)
        _rewrite(folder / "pyvenv.cfg", str(folder), place)
        for record in (folder / STAMP, *folder.glob("lib/python3.*/site-packages/hostel-*.dist-info/direct_url.json")):
            record.unlink()
        run(folder / "bin/python", "-I", "-m", "compileall", "-q", "-f", "-j", "0", "-s", folder, "-p", place, folder / "lib")

    def _system_files(self) -> None:
        self.write(f"{self.prefix}/bin/hostelctl", _HOSTELCTL.format(lib=self.lib), 0o755)
        for unit in UNITS:
            self.copy(f"systemd/{unit}", f"{self.prefix}/lib/systemd/system/{unit}")
        self.copy("systemd/sysusers.d/hostel.conf", f"{self.prefix}/lib/sysusers.d/hostel.conf")
        self.copy("systemd/tmpfiles.d/hostel.conf", f"{self.prefix}/lib/tmpfiles.d/hostel.conf")
        self.copy("hostel.example.toml", f"{self.prefix}/share/doc/hostel/hostel.example.toml")
        if self.at("/etc/hostel/hostel.toml").exists():
            say("/etc/hostel/hostel.toml is there already and stays as it is")
        else:
            self.copy("hostel.example.toml", "/etc/hostel/hostel.toml")
            if self.lib != DEFAULT_LIB:
                text = self.at("/etc/hostel/hostel.toml").read_text(encoding="utf-8")
                self.write("/etc/hostel/hostel.toml", text.replace("#guest_python", "guest_python"))
            self.at("/etc/hostel/hostel.toml").chmod(0o640)


def _rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def main() -> None:
    """Install."""
    parser = argparse.ArgumentParser(prog="make install")
    parser.add_argument("--destdir", default="")
    parser.add_argument("--prefix", required=True)
    options = parser.parse_args()
    end_on_signals()
    for name, path in (("DESTDIR", options.destdir or "/"), ("PREFIX", options.prefix)):
        if not re.fullmatch(r"/[A-Za-z0-9._/+@-]*", path) or ".." in Path(path).parts:
            die(f"{name}={path} is not a plain absolute path")
    os.umask(0o022)
    ensure(NEEDS)
    Installation(options.destdir, options.prefix.rstrip("/")).install()
    say("")
    say("hostel is installed. On a system that runs:")
    say("  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload")
    say("  systemctl enable --now hostel-hostd.socket hostel-hostd hostel-api")
    say("  hostelctl invite --admin --url")


if __name__ == "__main__":
    main()
