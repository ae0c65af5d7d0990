"""What hatchling calls before it makes the wheel: the web client is built into it."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebClient(BuildHookInterface):  # type: ignore[misc]  # hatchling is where wheels are made, and nowhere else
    """An editable installation serves what `python -m tools.web build` has made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Build it."""
        if version == "standard":
            sys.path.insert(0, str(Path(self.root)))
            from tools import web  # noqa: PLC0415  # the checkout is not on the path before

            web.build()
