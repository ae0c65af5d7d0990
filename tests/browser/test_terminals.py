"""Terminals in the page: what is typed, what comes, and what breaks in between."""

import hashlib
import re
import time

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.watched import AWAY, watched
from tests.e2e.work import Work
from tests.stack import Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

SLOW_GL = "GL Driver Message"
"""What Chromium says of pictures that are drawn without a graphics card."""
LINE = 15
"""Pixels of a line of text, about."""
PROMPT = "PS1='ready> '; clear\n"


class Screen:
    """A terminal of the page."""

    def __init__(self, page: Page, number: int = 0) -> None:
        """The one that is number `number` of those that are shown, from 0."""
        self.page = page
        self.element: Locator = page.locator("hostel-terminal:visible").nth(number)
        self.status: Locator = self.element.locator(".hostel-terminal-status")

    async def text(self) -> str:
        """What is on the screen, and above it."""
        return str(await self.element.evaluate("terminal => terminal.text"))

    async def see(self, pattern: str, within: float = 20) -> None:
        """Wait until a line matches."""
        found = "([terminal, pattern]) => new RegExp(pattern, 'm').test(terminal.text)"
        handle = await self.element.element_handle()
        await self.page.wait_for_function(found, arg=[handle, pattern], timeout=within * 1000)

    async def type(self, text: str) -> None:
        """With the keyboard, as the page has the focus now."""
        await self.page.keyboard.type(text)

    async def run(self, command: str, pattern: str, within: float = 20) -> None:
        """Type a command, and wait for a line that it prints."""
        await self.type(f"{command}\n")
        await self.see(pattern, within)


async def opened(page: Page, tenant: Tenant, session: str) -> Screen:
    """A new terminal of the session, with a short prompt."""
    await page.goto(f"/w/{tenant.workspace}/s/{session}/terminals")
    await page.get_by_role("button", name="New terminal").click()
    screen = Screen(page)
    await expect(screen.status).to_contain_text("Connected")
    await screen.see(r"\$")
    await screen.type(PROMPT)
    await screen.see("^ready>")
    return screen


@pytest.fixture
def expected() -> tuple[str, ...]:
    """What these pages may complain of."""
    return (SLOW_GL,)


async def test_what_is_typed_is_echoed_and_the_size_is_that_of_the_pane(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        await screen.run("echo $((40 + 2)) Grüße 🦀", "^42 Grüße 🦀")
        for width, height in ((900, 500), (1200, 700)):
            shown = screen.status.locator(".hostel-terminal-size")
            before = await shown.inner_text()
            await page.set_viewport_size({"width": width, "height": height})
            await expect(shown).not_to_have_text(before)
            cols, rows = await settled(screen)
            await screen.run("clear; stty size", f"^{rows} {cols}")


async def settled(screen: Screen) -> tuple[int, int]:
    """The size of a terminal, once it stays."""
    size, before = await screen.status.locator(".hostel-terminal-size").inner_text(), ""
    while size != before:
        before = size
        await screen.page.wait_for_timeout(300)
        size = await screen.status.locator(".hostel-terminal-size").inner_text()
    found = re.match(r"(\d+)\D(\d+)", size)
    assert found, size
    return int(found[1]), int(found[2])


async def test_a_killed_server_costs_no_byte_and_doubles_none(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=(*expected, AWAY)) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        await screen.run("for i in $(seq 500); do echo line-$i; sleep 0.005; done; echo all-$((1 + 1))", "^line-20$")
        await stack.api.kill()
        await screen.see("^all-2$", 40)
        await expect(screen.status).to_contain_text("Connected")
        lines = [line for line in (await screen.text()).splitlines() if line.startswith("line-")]
        assert [f"line-{number}" for number in range(1, 501)] == lines


async def test_a_flood_leaves_the_page_responsive_and_ends_with_ctrl_c(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        idle = await timed(screen, "clear; echo calm-$((1 + 1))", "^calm-2")
        await screen.run("yes", "^y$")
        await page.wait_for_timeout(3000)
        await page.keyboard.press("Control+C")
        # Without a window there would be megabytes to draw before it, and seconds.
        assert await timed(screen, "echo over-$((1 + 1))", "^over-2$") < 3 * idle + 1


async def timed(screen: Screen, command: str, pattern: str) -> float:
    """Seconds from typing a command to a line that it prints."""
    begin = time.perf_counter()
    await screen.run(command, pattern)
    return time.perf_counter() - begin


async def test_two_viewers_share_a_terminal_and_the_smaller_gives_the_size(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    session = await alice.tenant.session()
    async with (
        watched(browser, stack, expected=expected) as page,
        watched(browser, stack, expected=expected, viewport={"width": 700, "height": 500}) as small,
    ):
        await sign_in(page, alice.tenant)
        await sign_in(small, alice.tenant)
        screen = await opened(page, alice.tenant, session)
        await small.goto(page.url)
        other = Screen(small)
        await other.see("^ready>")
        await expect(screen.status).to_contain_text("2 viewers")
        await expect(screen.status).to_contain_text("the size of the smallest viewer")
        assert await settled(screen) == await settled(other)
        await screen.type("echo shared-$((1 + 1))\n")
        await other.see("^shared-2$")
        await small.close()
        await expect(screen.status).not_to_contain_text("viewers")


async def test_a_paste_of_lines_is_one_paste_or_is_asked_about(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        await paste(screen, "echo one-$((1 + 1))\necho two-$((2 + 2))\n\x1b[201~echo three-$((3 + 3))\n")
        await screen.see("three-")
        assert "one-2" not in await screen.text(), "bash was told that it is a paste, and waits for Enter"
        await page.keyboard.press("Control+C")
        await screen.run("bind 'set enable-bracketed-paste off'; cat", "cat")
        await page.wait_for_timeout(300)
        await paste(screen, "first\nsecond\n")
        question = page.get_by_role("alertdialog", name="Paste")
        await expect(question).to_contain_text("Paste 3 lines?")
        await question.get_by_role("button", name="Cancel").click()
        await paste(screen, "third\nfourth\n")
        await question.get_by_role("button", name="Paste").click()
        await screen.see("^fourth$")
        assert "first" not in await screen.text()


async def paste(screen: Screen, text: str) -> None:
    """As a browser does when somebody pastes."""
    await screen.element.locator("textarea").evaluate(
        """(target, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            target.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


async def test_a_large_paste_arrives_whole(browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        lines = "".join(f"{number:07}\n" for number in range(250_000))
        await screen.run("stty -echo; sed '/^end$/q' | head -n -1 | sha256sum; stty echo", "sha256sum")
        await page.evaluate("() => new Promise(requestAnimationFrame)")
        await paste(screen, lines + "end\n")
        question = page.get_by_role("alertdialog", name="Paste")
        if await question.is_visible():
            await question.get_by_role("button", name="Paste").click()
        await screen.see(f"^{hashlib.sha256(lines.encode()).hexdigest()} ", 60)


async def test_links_of_a_program_are_followed_on_purpose_and_only_to_the_web(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await page.add_init_script("window.visited = []; window.open = (...given) => (window.visited.push(given), null)")
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        links = r"\e]8;;javascript:alert(1)\e\\nohref\e]8;;\e\\ \n\e]8;;https://safe.example/\e\\shown\e]8;;\e\\ \nhttps://plain.example/x\n"
        await screen.run(f"clear; printf '{links}'; echo there", "^there")
        text = screen.element.locator(".xterm-screen")
        visited: list[list[str]] = []
        for y in range(8, 8 + 4 * LINE, LINE):
            await text.hover(position={"x": 15, "y": y})
            await page.wait_for_timeout(150)
            await text.click(position={"x": 15, "y": y})
            assert [] == await page.evaluate("window.visited.splice(0)")
            await text.click(position={"x": 15, "y": y}, modifiers=["Control"])
            visited += await page.evaluate("window.visited.splice(0)")
        assert {"https://safe.example/", "https://plain.example/x"} == {given[0] for given in visited}
        assert all(given[1:] == ["_blank", "noopener,noreferrer"] for given in visited)


async def test_hostile_output_harms_nothing(browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        session = await alice.tenant.session()
        program = alice.tenant.home / "hostile.py"
        program.write_text(HOSTILE)
        program.chmod(0o755)
        screen = await opened(page, alice.tenant, session)
        await screen.run("python3 ~/hostile.py; reset; clear; echo calm-$((1 + 1))", "^calm-2", 60)
        await expect(page.get_by_role("tab")).to_have_text(re.compile(r"^.{1,100}$"))
        assert not await page.evaluate("'pwned' in window")
        await expect(screen.status).to_contain_text("Connected")


HOSTILE = r"""
import os, sys
out = sys.stdout.buffer
out.write(b"\x1b]0;" + b"<img src=x onerror=window.pwned=1>" * 30000 + b"\x07")
out.write(b"\x1b]52;c;aGVsbG8=\x07\x1b]8;;javascript:window.pwned=1\x1b\\x\x1b]8;;\x1b\\")
out.write(b"\x1b[8;9999;9999t\x1b[99999999999999b\x1b[2147483647S\x1b[9999999999999999;9999999H" * 50)
out.write(b"\x1bP" + b"q" * 2000000 + b"\x1b\\")
for _ in range(3000):
    out.write(b"\x1b]0;t\x07\x1b[?1049h\x1b[?1049l\x1b[38;2;1;2;3m\x1b(0\x1b[5n")
out.write(os.urandom(3000000).replace(b"\x05", b""))
out.write(b"\x18\x1b\\\x07\x1bc")
out.flush()
"""


async def test_a_page_that_is_loaded_again_types_no_answers_to_old_questions(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        await screen.run(r"printf '\e[6n\e[c\e[>c'; read -rst 1 -n 40; echo asked", "^asked")
        await page.reload()
        screen = Screen(page)
        await screen.see("^asked")
        await screen.element.click()
        await screen.run("echo clean-$((1 + 1))", r"^ready> echo clean")
        await screen.see("^clean-2")


async def test_tabs_and_splits_are_kept_by_this_browser(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        await screen.type("echo left\n")
        await page.keyboard.press("Control+Shift+D")
        right = Screen(page, 1)
        await expect(right.status).to_contain_text("Connected")
        await right.see(r"\$")
        await right.run("echo right-$((1 + 1))", "^right-2")
        await page.keyboard.press("Control+Shift+ArrowLeft")
        await screen.run("echo back-$((1 + 1))", "^back-2")
        await page.keyboard.press("Control+Shift+Enter")
        await expect(page.get_by_role("tab")).to_have_count(2)
        await expect(page.locator("hostel-terminal:visible")).to_have_count(1)
        await page.keyboard.press("Control+Shift+BracketLeft")
        await expect(page.locator("hostel-terminal:visible")).to_have_count(2)
        await page.get_by_role("button", name="Rename").click()
        await page.get_by_label("Name", exact=True).fill("the server")
        await page.keyboard.press("Enter")
        await page.reload()
        await expect(page.get_by_role("tab", name="the server")).to_have_attribute("aria-selected", "true")
        await expect(page.locator("hostel-terminal:visible")).to_have_count(2)
        await screen.see("^back-2")
        await screen.element.click()
        await screen.type("exit 3\n")
        await expect(screen.status).to_contain_text("Exited with status 3")
        await page.get_by_role("button", name="Start again").click()
        await expect(page.get_by_role("button", name="Start again")).to_have_count(0)
        await expect(page.locator("hostel-terminal:visible")).to_have_count(2)


async def test_the_keyboard_can_leave_a_terminal_and_search_it(
    browser: Browser, stack: Stack, alice: Work, expected: tuple[str, ...]
) -> None:
    async with watched(browser, stack, expected=expected) as page:
        await sign_in(page, alice.tenant)
        screen = await opened(page, alice.tenant, await alice.tenant.session())
        await screen.run("seq 100 120", "^120")
        await page.keyboard.press("Control+Shift+F")
        await page.keyboard.type("11[0-9]")
        search = page.get_by_role("search")
        await expect(search).to_contain_text("No match")
        await search.get_by_role("button", name="Regular expression").click()
        await expect(search).to_contain_text(re.compile(r"\d+ of 1[01]"))
        await page.keyboard.press("Escape")
        await expect(screen.element.locator("textarea")).to_be_focused()
        await page.keyboard.press("Control+Shift+L")
        await expect(screen.status).to_be_focused()
