"""Which version of hostel this is, without `importlib.metadata`: that would stay in a daemon with 2 MiB."""

import sys
from pathlib import Path


def version() -> str:
    """Of the distribution that Python finds first; `unknown` when there is none."""
    found = (path.name for entry in sys.path for path in Path(entry).glob("hostel-*.dist-info"))
    return next(found, "hostel-unknown.dist-info").removesuffix(".dist-info").partition("-")[2]
