"""What a person sees of the tools: steps with their times, and errors in one line with a hint."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and afterwards how long it took."""
    say(f"==> {what}")
    began = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - began:.1f} s")


def die(message: str, *, hint: str = "") -> NoReturn:
    """End the program with status 1."""
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint:  {hint}", file=sys.stderr)
    sys.exit(1)
