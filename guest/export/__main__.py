"""`python -I -m guest.export WORKSPACE`: write the archive of the home, the current folder, to standard output.

Its exit status says whether the archive is whole.
"""

import os
import sys
from pathlib import Path
from typing import Final

import zstandard

from guest.agents.logins import made_files
from guest.export.archive import Archive

_NICE: Final = 10
"""Terminals and agents come first."""
_LEVEL: Final = 3
_OWN: Final = frozenset({"vibecoder_workspace/metadata", "vibecoder_workspace/providers.json"})
"""What root keeps in the home, or once did."""


def main() -> int:
    """The exit status."""
    os.nice(_NICE)
    left_out = _OWN | made_files(Path.cwd())
    try:
        with os.fdopen(1, "wb", closefd=False) as out, zstandard.ZstdCompressor(_LEVEL).stream_writer(out) as compressed:
            Archive(compressed, sys.argv[1], left_out).write()
    except BrokenPipeError:
        return 1  # nobody wants it any more
    return 0


if __name__ == "__main__":
    sys.exit(main())
