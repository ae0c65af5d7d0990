"""One browser, one hostel with agents, and pages that are signed in."""

import contextlib
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.company import Company
from tests.browser.team import Team
from tests.browser.watched import watched
from tests.e2e.modelled import settings
from tests.e2e.models.server import Models
from tests.e2e.work import Work
from tests.installed import install
from tests.stack import Client, Stack

FAILED = pytest.StashKey[bool]()
CHROMIUM = "/usr/bin/chromium"
OPTIONS = (
    # Chromium's own sandbox refuses to work for root, as whom these tests have to run; its pages are ours.
    "--no-sandbox",
    "--enable-unsafe-swiftshader",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def models() -> AsyncIterator[Models]:
    """What the agents take for their vendors' models."""
    async with Models() as running:
        yield running


@pytest.fixture(scope="session")
def agents_folder() -> Path:
    """Claude Code, installed."""
    return install("claude")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(agents_folder: Path, models: Models) -> AsyncIterator[Stack]:
    """A whole hostel, whose agents talk to the stand-in."""
    async with Stack(patient(agents_folder, models)) as running:
        yield running


def patient(agents_folder: Path, models: Models) -> dict[str, dict[str, Any]]:
    """Sections of hostel.toml: a question waits for as long as the pages are looked at."""
    made = settings(agents_folder, models)
    made["agents"]["permission_timeout"] = 900
    return made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def team(stack: Stack, models: Models) -> AsyncIterator[Team]:
    """A workspace with something on each page."""
    async with Team.at_work(stack, models) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def company() -> AsyncIterator[Company]:
    """A hostel of its own, where people sign in."""
    async with Company.open() as made:
        yield made


class FailedError(Exception):
    """The test has failed, of which a fixture is not told."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the test itself has failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A page that nobody is signed in on."""
    with contextlib.suppress(FailedError):
        async with watched(browser, stack) as opened:
            yield opened
            if request.node.stash.get(FAILED, False):
                raise FailedError


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def alice(stack: Stack, models: Models) -> Work:
    """A tenant with keys for its agents."""
    return await Work.begin(stack, models, "alice")


@pytest_asyncio.fixture(loop_scope="session")
async def room(page: Page, alice: Work) -> Page:
    """A page that is signed in as alice's workspace."""
    await sign_in(page, alice.tenant)
    return page


async def sign_in(page: Page, client: Client) -> None:
    """Make the browser's session of a client's token, as the page of the sign-in does."""
    headers = {**client.headers, "Origin": client.stack.url}
    reply = await page.request.post("/api/auth/session", headers=headers)
    assert reply.ok, await reply.text()
