"""Images that go with a prompt itself."""

import asyncio
import base64
from typing import Final

from guest.agents import privatefiles
from guest.drivers.base import Attachment

_SIZE_MAX: Final = 5 * 1024 * 1024
"""Bytes of an image; a larger one is named only."""
_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")


async def image(attachment: Attachment) -> str | None:
    """The image in base64; None for what is no image that models take, is too large, or is not there."""
    if attachment.media_type not in _TYPES:
        return None
    try:
        data = await asyncio.to_thread(privatefiles.read, attachment.path, _SIZE_MAX)
    except OSError:
        return None
    return None if data is None else base64.b64encode(data).decode()
