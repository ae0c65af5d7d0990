"""People before each other's work: who may only look at a terminal, and by which names records call them."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.company import ELSEWHERE, Company
from tests.browser.test_terminals import Screen
from tests.browser.watched import AWAY, watched

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


async def call(page: Page, method: str, path: str, body: dict[str, str] | None = None) -> Any:  # noqa: ANN401  # JSON
    """What the API answers to the person of the page."""
    origin = page.url.split("/", 3)
    headers = {"Origin": "/".join(origin[:3]), "Prefer": "wait=30"}
    reply = await page.request.fetch(path, method=method, headers=headers, data=body)
    assert reply.ok, await reply.text()
    return await reply.json() if reply.status != 204 else None


async def founded(page: Page, company: Company, owner: str, slug: str) -> tuple[str, str]:
    """Sign in, and make an organisation with a workspace; their ids."""
    await page.goto("/orgs")
    await company.sign_in(page, owner)
    organisation = (await call(page, "POST", "/api/orgs", {"slug": slug}))["organisationId"]
    made = await call(page, "POST", f"/api/orgs/{organisation}/workspaces", {"name": slug})
    return organisation, made["workspaceId"]


async def joined(page: Page, owner: Page, organisation: str, rank: str) -> str:
    """Have the person of the page become a member; their id."""
    made = await call(owner, "POST", f"/api/orgs/{organisation}/invitations", {"rank": rank})
    accepted = await call(page, "POST", "/api/orgs/invitations/accept", {"token": made["token"]})
    return str(accepted["personId"])


async def test_a_viewer_watches_a_terminal_until_they_are_a_member(browser: Browser, company: Company) -> None:
    expected = (ELSEWHERE, AWAY)
    async with (
        watched(browser, company.stack, expected=expected) as wanda,
        watched(browser, company.stack, expected=expected, viewport={"width": 500, "height": 500}) as vic,
    ):
        organisation, workspace = await founded(wanda, company, "Wanda", "watched")
        await vic.goto("/orgs")
        await company.sign_in(vic, "Vic")
        person = await joined(vic, wanda, organisation, "viewer")
        session = (await call(wanda, "POST", f"/api/workspaces/{workspace}/sessions", {}))["sessionId"]
        at = f"/w/{workspace}/s/{session}/terminals"
        await wanda.goto(at)
        await wanda.get_by_role("button", name="New terminal").click()
        typing = Screen(wanda)
        await expect(typing.status).to_contain_text("Connected")
        await typing.see(r"\$")
        size = await typing.status.locator(".hostel-terminal-size").inner_text()

        await vic.goto(at)
        watching = Screen(vic)
        await expect(watching.status).to_contain_text("Connected, watching only")
        await expect(watching.status).to_contain_text("2 viewers")
        await expect(vic.get_by_role("button", name="New terminal")).to_have_count(0)
        await expect(vic.get_by_role("button", name="Close terminal")).to_have_count(0)
        await watching.element.click()
        await watching.type("echo stork\n")
        await typing.run("echo her''on", "^heron")
        await watching.see("^heron")
        assert "stork" not in await typing.text()
        assert size == await typing.status.locator(".hostel-terminal-size").inner_text()

        await call(wanda, "PATCH", f"/api/orgs/{organisation}/members/{person}", {"rank": "member"})
        await expect(watching.status).not_to_contain_text("watching only")
        await expect(watching.status).to_contain_text("Connected")
        await watching.element.click()
        await watching.run("echo st''ork", "^stork")
        await typing.see("^stork")

        await call(wanda, "PATCH", f"/api/orgs/{organisation}/members/{person}", {"rank": "viewer"})
        await expect(watching.status).to_contain_text("Connected, watching only")


async def test_records_call_people_and_keys_by_their_names(browser: Browser, company: Company) -> None:
    async with (
        watched(browser, company.stack, expected=(ELSEWHERE,)) as nora,
        watched(browser, company.stack, expected=(ELSEWHERE,)) as ned,
    ):
        organisation, workspace = await founded(nora, company, "Nora Names", "named")
        name = "Ned <b>Names</b>"
        await ned.goto("/orgs")
        await company.sign_in(ned, name)
        person = await joined(ned, nora, organisation, "admin")
        await call(ned, "POST", f"/api/workspaces/{workspace}/keys", {"name": "ci", "rank": "member"})
        channel = (await call(ned, "POST", f"/api/workspaces/{workspace}/channels", {"name": "news"}))["channelId"]
        await call(ned, "POST", f"/api/workspaces/{workspace}/channels/{channel}/messages", {"text": "hello"})
        await nora.goto(f"/w/{workspace}/channels/{channel}")
        await expect(nora.get_by_role("button", name=name)).to_be_visible()
        await nora.goto(f"/w/{workspace}/audit")
        row = nora.get_by_role("row").filter(has=nora.get_by_role("button", name="create_key"))
        await expect(row).to_contain_text(name)
        await expect(row.get_by_title(person)).to_be_visible()
        await row.get_by_role("button", name="create_key").click()
        facts = nora.get_by_role("dialog", name="create_key")
        await expect(facts.get_by_role("row", name="Actor")).to_contain_text(name)
        await expect(facts.get_by_role("row", name="Actor")).to_contain_text(person)

        await call(nora, "DELETE", f"/api/orgs/{organisation}/members/{person}")
        await nora.goto(f"/w/{workspace}/keys")
        await expect(
            nora.get_by_role("listitem").filter(has_text="ci").get_by_role("button", name=f"{name} (left)")
        ).to_be_visible()
