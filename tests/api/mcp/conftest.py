"""api before real guests, and the official client of MCP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.mcp.client import Agent
from tests.api.rooms import Room, Rooms, serving_rooms


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with serving_rooms(tmp_path) as made:
        yield made


@pytest.fixture
async def room(rooms: Rooms) -> Room:
    return await rooms.room()


@pytest.fixture
async def agent(room: Room) -> AsyncIterator[Agent]:
    """With the workspace's token."""
    async with Agent(room.rooms, room.token) as made:
        yield made
