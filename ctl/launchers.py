"""The programs on every tenant's PATH: scripts that sign an agent in as its workspace is, and start it."""

from typing import Final

from ctl.catalog import Package

_LAUNCHER: Final = """\
#!/bin/sh
# Made by `hostelctl agents install`. The guest keeps the environment that signs {name} in as this workspace.
login="$HOME/.hostel/agents/{name}.env"
if [ -f "$login" ] && [ ! -L "$login" ] && [ -O "$login" ]; then
    . "$login"
fi
{answers}exec '{program}' "$@"
"""
_CODEX: Final = """\
# Whether to trust the folder is not asked in a session: who made it chose the repository.
case "$PWD" in
    *[!A-Za-z0-9/._-]*) ;;
    "$HOME"/vibecoder_workspace/sessions/*)
        root=$(git rev-parse --show-toplevel 2>/dev/null || echo "$PWD")
        set -- -c "projects={\\"$root\\"={trust_level=\\"trusted\\"}}" "$@" ;;
esac
"""
_WRAPPER: Final = """\
#!/bin/sh
exec '{node}' '{script}' "$@"
"""


def launcher(package: Package, program: str) -> str:
    """The script that starts `program`, which is that of `package`."""
    # Claude and Gemini have files for this, which the guest fills.
    answers = _CODEX if package.name == "codex" else ""
    return _LAUNCHER.format(name=package.name, answers=answers, program=program)


def wrapper(node: str, script: str) -> str:
    """The program of a package that Node runs."""
    return _WRAPPER.format(node=node, script=script)
