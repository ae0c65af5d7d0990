"""The closed table of a guest's verbs and messages; the other modules of this package fill it."""

from typing import Final

from shared.messages import Protocol

GUEST: Final = Protocol("guest")
