"""What tenants, agents and their repositories write is shown as text: nothing of it runs, loads, or leads astray."""

import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from tests.browser import repository
from tests.browser.conftest import sign_in
from tests.browser.ledger import git
from tests.browser.watched import watched
from tests.e2e.models.server import Models
from tests.e2e.work import Room, Work
from tests.e2e.work import kind as of_kind
from tests.stack import Client, Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

SCRIPT: Final = "<script>window.__pwned=1</script>"
IMAGE: Final = "<img src=x onerror=window.__pwned=1>"
SVG: Final = "<svg xmlns='http://www.w3.org/2000/svg' onload='window.__pwned=1'><script>window.__pwned=1</script></svg>"
MARKDOWN: Final = "\n\n".join(
    (
        f"words of the hostile {SCRIPT} {IMAGE}",
        SVG,
        "<iframe src='javascript:parent.__pwned=1'></iframe><style>body{display:none}</style>",
        "<a href='javascript:window.__pwned=1'>html</a> <form action='https://evil.example'><button>Send</button></form>",
        "[script](javascript:window.__pwned=1) [tab](java\tscript:window.__pwned=1) [case](JaVaScRiPt:window.__pwned=1)",
        "[data](data:text/html,<script>window.__pwned=1</script>) [vb](vbscript:x) [blob](blob:https://evil.example/1)",
        "[here](/api/auth/me) [there](//evil.example/x) [good](https://good.example/)",
        "![picture](https://evil.example/pixel.png) ![data](data:image/svg+xml;base64,PHN2Zy8+)",
        "<javascript:window.__pwned=1> [reference][x]",
        "[x]: javascript:window.__pwned=1",
        "```html\n<script>window.__pwned=1</script>\n```",
        '\u202egnp.exe \u0007 <b style="position:fixed;inset:0">over all</b>',
    )
)
ANSI: Final = (
    "\x1b]8;;javascript:window.__pwned=1\x1b\\link\x1b]8;;\x1b\\ \x1b]0;<img src=x onerror=window.__pwned=1>\x07 \x1b[2J"
)
FILES: Final = {
    "README.md": MARKDOWN,
    "picture.svg": SVG,
    "page.html": f"<body>{SCRIPT}{IMAGE}<script>fetch('/api/auth/me').then(parent.postMessage)</script>",
    f"{IMAGE}.txt": "a name",
    "\u202egpj.sh": "a name that is read backwards",
    "line\nend \x1b[31m.py": "a name of two lines",
    '"><script>window.__pwned=1<': "half a name",
    "__proto__": "what every object of a script has",
    "constructor": "the same",
}
NAME: Final = f"{IMAGE} [x](javascript:window.__pwned=1)"
TRIPPED: Final = (
    "() => [window.__pwned, document.querySelectorAll('main iframe, main script, main form[action], main style').length]"
)
LINKS: Final = """() => [...document.querySelectorAll('a[href]')].map(({ href, target, rel, origin }) =>
    ({ href, outside: origin !== location.origin, target, rel }))"""


@dataclass(frozen=True)
class Trap:
    """A workspace all of whose texts are hostile."""

    work: Work
    admin: Client
    room: Room
    ids: dict[str, str]

    async def call(self, method: str, path: str, body: object, **more: Any) -> Any:  # noqa: ANN401  # JSON
        return await self.work.tenant.call(method, f"{self.work.tenant.base}/{path}", body, **more)

    async def set_up(self) -> None:
        await self.talk()
        self.leave_a_transcript()
        room = f"sessions/{self.room.session}"
        await self.call("POST", f"{room}/worktrees", {"name": NAME[:60], "branch": "<img/src=x>", "start": "main"})
        for path, text in FILES.items():
            (self.room.repo / path).write_text(f"{text} changed")
        channel = await self.call("POST", "channels", {"name": "trap", "topic": NAME})
        for text in (MARKDOWN, ANSI):
            await self.call("POST", f"channels/{channel['channelId']}/messages", {"name": IMAGE, "text": text})
        await self.call("POST", "keys", {"name": NAME, "rank": "viewer"})
        hook = await self.call("POST", "webhooks", {"url": f"https://evil.example/?{SCRIPT}", "events": ["*"]})
        task = await self.call("POST", "tasks", {"prompt": f"say: {json.dumps(MARKDOWN)}"})
        schedule = {"name": NAME, "cron": "0 0 1 1 *", "task": {"prompt": MARKDOWN}}
        await self.call("POST", "schedules", schedule)
        await self.call("POST", "sessions", {"repoUrl": f"https://127.0.0.1:9/{SCRIPT}", "name": NAME})
        made = await self.admin.call("POST", "/api/orgs", {"slug": "trap", "name": NAME})
        for name in ("TRAP", "__proto__", "constructor"):
            await self.call("PUT", f"secrets/{name}", {"value": SVG}, headers={"User-Agent": IMAGE})
        ids = {"channel": channel["channelId"], "webhook": hook["webhookId"], "task": task["taskId"]}
        self.ids.update(ids, organisation=made["organisationId"])

    async def talk(self) -> None:
        """A turn whose words, titles, inputs and outputs are all hostile."""
        models, file = self.work.models, self.room.repo / "README.md"
        shell = {"command": f"printf '%b' {json.dumps(IMAGE + ANSI)}; cat page.html", "description": IMAGE}
        models.rehearse(
            "Trap me",
            f"think: {IMAGE}",
            f"say: {json.dumps(MARKDOWN)}",
            f"call: Read {json.dumps({'file_path': str(file)})}",
            f"call: Write {json.dumps({'file_path': f'{self.room.repo}/{IMAGE}.md', 'content': MARKDOWN})}",
            f"call: Bash {json.dumps(shell)}",
            f"call: {SCRIPT.replace(' ', '')} {json.dumps({IMAGE: IMAGE})}",
            f"call: __proto__ {json.dumps({'__proto__': {'__pwned': 1}})}",
            "call: constructor {}",
            "say: It has been shown.",
        )
        async with self.room.follow() as log:
            await self.room.prompt("claude", "Trap me")
            while (event := await log.until("permissionAsked", "turnEnded"))["type"] == "permissionAsked":
                await self.room.answer(event, of_kind("allow_once"))
            await self.room.prompt("claude", f"ask: touch {IMAGE!r} {SCRIPT!r}")
            await log.until("permissionAsked")

    def leave_a_transcript(self) -> None:
        """One that no agent has written."""
        path = self.work.tenant.home / ".claude/projects/-trap/11111111-2222-4333-8444-555555555555.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        use = {"type": "tool_use", "id": "t", "name": IMAGE, "input": {IMAGE: SCRIPT}}
        result = {"type": "tool_result", "tool_use_id": "t", "content": IMAGE + ANSI}
        records = (
            {"type": "user", "cwd": f"/{IMAGE}", "gitBranch": IMAGE, "message": {"role": "user", "content": MARKDOWN}},
            {"type": "assistant", "message": {"id": "m", "model": IMAGE, "content": [{"type": "text", "text": MARKDOWN}, use]}},
            {"type": "user", "message": {"role": "user", "content": [result]}},
        )
        times = {"timestamp": "2026-11-01T10:00:00.000Z", "sessionId": "11111111-2222-4333-8444-555555555555"}
        path.write_text("".join(json.dumps({**times, **record}) + "\n" for record in records))
        for made in (path, path.parent, path.parent.parent):
            shutil.chown(made, self.work.tenant.uid, self.work.tenant.uid)

    def pages(self) -> list[str]:
        at, room = f"/w/{self.work.tenant.workspace}", f"/s/{self.room.session}"
        names = ("tasks", "schedules", "channels", "keys", "webhooks", "audit", "usage", "settings", "transcripts")
        below = ("", *(f"/{name}" for name in names), room, f"{room}/files", f"{room}/changes", f"{room}/terminals")
        deep = [f"/{name}s/{self.ids[name]}" for name in ("channel", "webhook", "task")]
        return [f"{at}{path}" for path in (*below, *deep)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trap(stack: Stack, models: Models) -> AsyncIterator[Trap]:
    sources = stack.folder / "sources/trap"
    sources.mkdir(parents=True)
    for name, text in FILES.items():
        (sources / name).write_text(text)
    git(sources, "init", "-q", "-b", "main")
    git(sources, "add", ".")
    git(sources, "commit", "-q", "-m", f"{NAME}\n\n{MARKDOWN}")
    git(sources, "branch", "<img/src=x>")
    async with repository.served(sources) as address:
        work = await Work.begin(stack, models, NAME)
        session = await work.tenant.session(repoUrl=address, name=NAME)
        made = Trap(work, await stack.admin(), Room(work, session), {})
        await made.set_up()
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def victim(browser: Browser, stack: Stack, trap: Trap) -> AsyncIterator[Page]:
    """A page that is signed in; a dialog that it opens fails the test, and so does a request that leaves the server."""
    async with watched(browser, stack, expected=("GL Driver Message",)) as page:
        opened: list[str] = []
        page.on("dialog", lambda dialog: opened.append(dialog.message))
        # A policy that has to refuse something has been the last wall, and should not have been needed.
        await page.add_init_script("addEventListener('securitypolicyviolation', (event) => console.error(event.blockedURI))")
        await sign_in(page, trap.work.tenant)
        yield page
        assert [] == opened


async def nothing_has_happened(page: Page) -> None:
    assert [None, 0] == await page.evaluate(TRIPPED), page.url
    for link in await page.evaluate(LINKS):
        assert re.match(r"https?:|mailto:|blob:", link["href"]), (page.url, link)
        if link["outside"]:
            assert ("_blank", True) == (link["target"], "noopener" in link["rel"]), (page.url, link)


async def settled(page: Page) -> None:
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="…")).to_have_count(0)


async def test_no_page_of_a_workspace_runs_what_it_shows(victim: Page, trap: Trap) -> None:
    for path in trap.pages():
        await victim.goto(path)
        await settled(victim)
        await nothing_has_happened(victim)


async def test_a_conversation_is_text(victim: Page, trap: Trap) -> None:
    await victim.goto(f"/w/{trap.work.tenant.workspace}/s/{trap.room.session}")
    await expect(victim.get_by_text("It has been shown.")).to_be_visible()
    closed = victim.locator("main details:not([open]) > summary")
    while await closed.count() > 0:
        await closed.first.click()
    await expect(victim.get_by_text("words of the hostile").first).to_be_visible()
    assert await victim.get_by_role("link", name="good", exact=True).count() > 0
    for name in ("script", "tab", "case", "data", "html", "there", "here"):
        await expect(victim.locator("main").get_by_role("link", name=name, exact=True)).to_have_count(0)
    await nothing_has_happened(victim)


async def test_each_file_is_shown_and_not_run(victim: Page, trap: Trap) -> None:
    at = f"/w/{trap.work.tenant.workspace}/s/{trap.room.session}/files"
    for name in FILES:
        await victim.goto(at)
        shown = name.splitlines()[0].replace("\u202e", "U+202E")
        await victim.get_by_role("treeitem").filter(has_text=shown).first.click()
        await victim.locator(".cm-content, main img, main [role=alert]").first.wait_for()
        await nothing_has_happened(victim)


async def test_each_change_is_text(victim: Page, trap: Trap) -> None:
    await victim.goto(f"/w/{trap.work.tenant.workspace}/s/{trap.room.session}/changes")
    await expect(victim.get_by_text("README.md").first).to_be_visible()
    await nothing_has_happened(victim)


async def test_a_transcript_is_text(victim: Page, trap: Trap) -> None:
    await victim.goto(f"/w/{trap.work.tenant.workspace}/transcripts")
    await victim.get_by_role("link").filter(has_text="words of the hostile").first.click()
    await expect(victim.locator("main")).to_contain_text("over all")
    await nothing_has_happened(victim)


async def test_what_an_administrator_sees_of_it_is_text(browser: Browser, stack: Stack, trap: Trap) -> None:
    async with watched(browser, stack) as page:
        await sign_in(page, trap.admin)
        for path in ("/", "/orgs", f"/orgs/{trap.ids['organisation']}", "/admin", "/admin/workspaces", "/admin/audit"):
            await page.goto(path)
            await settled(page)
            await nothing_has_happened(page)


@pytest.mark.parametrize(("name", "kind"), [("page.html", "text/html"), ("picture.svg", "image/svg+xml")])
async def test_a_tenants_page_is_downloaded_and_cannot_read_the_api_where_it_is_shown(
    browser: Browser, stack: Stack, trap: Trap, name: str, kind: str
) -> None:
    path = f"{trap.work.tenant.base}/sessions/{trap.room.session}/files/content?path={name}"
    async with watched(browser, stack, expected=("sandboxed", "Content Security Policy")) as page:
        await sign_in(page, trap.work.tenant)
        await page.goto(f"/w/{trap.work.tenant.workspace}")
        async with page.expect_download() as download:
            await page.evaluate("(path) => { location.href = path }", path)
        assert name == (await download.value).suggested_filename
        await page.route("**/files/content*", lambda route: show(route, kind))
        await page.goto(path)
        assert await page.evaluate("window.__pwned") is None
        assert "null" == await page.evaluate("window.origin")
        assert "refused" == await page.evaluate("fetch('/api/auth/me').then((it) => it.text(), () => 'refused')")


async def show(route: Route, kind: str) -> None:
    """As a browser would that ignores that it is a download, and guesses what it is."""
    reply = await route.fetch()
    headers = {name: value for name, value in reply.headers.items() if name != "content-disposition"}
    await route.fulfill(response=reply, headers={**headers, "content-type": kind})
