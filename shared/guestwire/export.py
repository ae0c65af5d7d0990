"""The verb that hands out all files of the home. `Chunk`s of the archive follow the answer, and `Exported` ends them."""

from typing import Annotated, Final

from msgspec import Meta

from shared.guestwire.protocol import GUEST
from shared.messages import Done, Reply, Request

SKIPPED_MAX: Final = 10_000
"""Paths that the archive's report names; beyond that they are counted."""
REPORT: Final = "hostel-export.json"
"""The last member of an archive, which says what is not in it, or not as it was."""


@GUEST.to_caller
class Exported(Reply, frozen=True):
    """The archive is whole; the connection ends with it."""

    size: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    """Bytes of all chunks."""


@GUEST.verb(Done)
class ExportHome(Request, frozen=True):
    """All files of the home, as a tar of the PAX format under Zstandard. BUSY while another one is made."""
