"""How much a browser has to fetch before the first page can be used."""

import gzip
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.conftest import sign_in
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

FIRST_LOAD_MAX = 200_000
"""Bytes, by gzip."""


async def fetched(page: Page, path: str, heading: str) -> dict[str, int]:
    """The files that the page at `path` asks for until its heading is there, and how long each is."""
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108  # it must take attributes
    await page.goto(path)
    await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    await page.wait_for_load_state("load")
    sizes = {}
    for response in responses:
        name = urlsplit(response.url).path
        if not name.startswith(("/api", "/icon")):
            sizes[name] = len(gzip.compress(await response.body(), 9))
    return sizes


async def test_the_sign_in_is_small(page: Page) -> None:
    sizes = await fetched(page, "/", "Sign in to hostel")
    print(sum(sizes.values()))
    assert FIRST_LOAD_MAX > sum(sizes.values()), sizes


async def test_the_list_of_workspaces_is_small_and_holds_no_terminal(page: Page, stack: Stack) -> None:
    await sign_in(page, await stack.admin())
    sizes = await fetched(page, "/", "Workspaces")
    print(sum(sizes.values()))
    assert FIRST_LOAD_MAX > sum(sizes.values()), sizes
    assert not [name for name in sizes if "xterm" in name or "editor" in name or "markdown" in name]
