"""The ways in, and the way out."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.watched import watched
from tests.e2e.work import Work
from tests.stack import Client, Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


def link(stack: Stack) -> str:
    """A fresh sign-in link of an administrator's."""
    with stack.host() as host:
        return f"/#redeem={host.create_invite().token.reveal()}"


async def test_a_link_signs_in_once_and_leaves_the_address(page: Page, stack: Stack, browser: Browser) -> None:
    url = link(stack)
    await page.goto(url)
    await expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    assert f"{stack.url}/" == page.url
    await page.reload()
    await expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    async with watched(browser, stack) as second:
        await second.goto(url)
        await expect(second.get_by_role("alert")).to_contain_text("wrong, expired or used up")


async def test_a_workspace_signs_in_with_its_secret_and_out_again(page: Page, alice: Work) -> None:
    await page.goto("/")
    await page.get_by_label("Workspace id").fill(alice.tenant.workspace)
    await page.get_by_label("Workspace secret").fill(alice.tenant.secret)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**/w/{alice.tenant.workspace}")
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to hostel")).to_be_visible()
    await page.goto(f"/w/{alice.tenant.workspace}")
    await expect(page.get_by_role("heading", name="Sign in to hostel")).to_be_visible()


async def test_who_signs_out_in_one_tab_leaves_nothing_on_the_screen_of_another(page: Page, stack: Stack, alice: Work) -> None:
    # A sign-in of its own: it ends here.
    login = await stack.login(alice.tenant.workspace, alice.tenant.secret)
    await sign_in(page, Client(stack, login["workspaceToken"]))
    session = await alice.tenant.session(name="nobody else's")
    other = await page.context.new_page()
    await other.goto(f"/w/{alice.tenant.workspace}/s/{session}/files")
    await expect(other.get_by_text("nobody else's").first).to_be_visible()
    await page.goto("/account")
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(other.get_by_role("heading", name="Sign in to hostel")).to_be_visible()
    await expect(other.get_by_text("nobody else's")).to_have_count(0)


async def test_a_wrong_secret_is_said_at_its_field(page: Page, alice: Work) -> None:
    await page.goto("/")
    await page.get_by_label("Workspace id").fill(alice.tenant.workspace)
    await page.get_by_label("Workspace secret").fill("hws_wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("wrong, expired or used up")).to_be_visible()
    assert "hws_wrong" == await page.get_by_label("Workspace secret").input_value()


async def test_a_sign_in_that_ends_asks_again_and_keeps_what_was_typed(page: Page, stack: Stack) -> None:
    admin = await stack.admin()
    await sign_in(page, admin)
    await page.goto("/new")
    await page.get_by_label("Name").fill("not lost")
    await admin.call("POST", "/api/logout")
    await page.get_by_role("button", name="Create").click()
    dialog = page.get_by_role("dialog", name="Your sign-in has ended")
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("tab", name="One-time token").click()
    await dialog.get_by_label("One-time token").last.fill(link(stack).partition("=")[2])
    await dialog.get_by_role("button", name="Sign in").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text("Your sign-in has ended. Sign in again, then repeat this.")).to_be_visible()
    assert "not lost" == await page.get_by_label("Name").input_value()
