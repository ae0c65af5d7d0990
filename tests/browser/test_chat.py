"""A chat in a real browser: what only shows where there is a layout."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.work import Work
from tests.turns import Conversation

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


async def test_a_long_chat_opens_at_its_end_and_what_is_opened_there_stays_in_sight(room: Page, alice: Work) -> None:
    made = Conversation(alice.tenant, await alice.tenant.session())
    for prompt in ("count 1200", "tool read greet.py\n" * 5 + "run seq 300\nsay END"):
        await made.until_over((await made.prompt(prompt, agent="fake"))["turnId"])
    await room.goto(f"/w/{alice.tenant.workspace}/s/{made.session}")
    await expect(room.get_by_text("END", exact=True)).to_be_in_viewport()
    line = room.locator("summary", has_text="seq 300")
    await line.click()
    await expect(room.get_by_role("group", name="Output")).to_contain_text("299")
    await expect(room.get_by_text("END", exact=True)).not_to_be_in_viewport()
    await expect(line).to_be_in_viewport()
    await room.get_by_role("button", name="Jump to latest").click()
    await expect(room.get_by_text("END", exact=True)).to_be_in_viewport()
    await expect(room.get_by_text("1199 1200")).to_have_count(1)
