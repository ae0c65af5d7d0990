"""What is typed in other ways than by a plain key: input methods, a mouse that a program watches, and fingers."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_terminals import SLOW_GL, opened
from tests.browser.watched import watched
from tests.e2e.work import Work
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
STEPS: Final = ("k", "か", "かん", "かんじ", "漢字")
DEAD: Final = "\N{ACUTE ACCENT}"
"""A dead key, which ends with the next one."""
PROCESS: Final = {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Process", "code": "Enter"}
"""A key that the input method takes for itself."""
ENTER: Final = {"type": "rawKeyDown", "windowsVirtualKeyCode": 13, "key": "Enter", "code": "Enter"}


@pytest_asyncio.fixture(loop_scope="session")
async def room(browser: Browser, stack: Stack, alice: Work) -> AsyncIterator[Page]:
    """A page of alice's."""
    async with watched(browser, stack, expected=(SLOW_GL,)) as page:
        await sign_in(page, alice.tenant)
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, stack: Stack, alice: Work) -> AsyncIterator[Page]:
    """The same on a phone."""
    async with watched(browser, stack, expected=(SLOW_GL,), **PHONE) as page:
        await sign_in(page, alice.tenant)
        yield page


async def compose(keys: CDPSession, *steps: str) -> None:
    """What an input method shows until it is told which characters are meant."""
    for text in steps:
        composed = {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
        await keys.send("Input.imeSetComposition", composed)


async def test_a_terminal_gets_what_was_composed_and_not_the_way_there(room: Page, alice: Work) -> None:
    screen = await opened(room, alice.tenant, await alice.tenant.session())
    keys = await room.context.new_cdp_session(room)
    await screen.run("clear; echo begun; cat -v", "^begun$")
    await compose(keys, *STEPS)
    await keys.send("Input.dispatchKeyEvent", PROCESS)
    await keys.send("Input.insertText", {"text": "漢字"})
    await room.keyboard.press("Enter")
    await screen.see(r'^M-fM-<M-"M-eM--M-\^W$')
    await compose(keys, DEAD)
    await keys.send("Input.insertText", {"text": "é"})
    await screen.type("x\n")
    await screen.see(r"^M-CM-\)x$")
    printed = (await screen.text()).partition("begun\n")[2].split()
    assert ["漢字", 'M-fM-<M-"M-eM--M-^W', "éx", "M-CM-)x"] == printed


async def test_the_enter_that_ends_a_composition_sends_no_prompt(room: Page, alice: Work) -> None:
    await room.goto(f"/w/{alice.tenant.workspace}/s/{await alice.tenant.session()}")
    prompt = room.get_by_role("textbox", name="Prompt")
    await prompt.click()
    keys = await room.context.new_cdp_session(room)
    for key in (PROCESS, ENTER):
        await compose(keys, *STEPS)
        await keys.send("Input.dispatchKeyEvent", key)
        await keys.send("Input.insertText", {"text": "漢字"})
    await expect(prompt).to_have_value("漢字漢字")
    await prompt.press("Enter")
    await expect(prompt).to_have_value("")


async def test_a_program_that_watches_the_mouse_is_told_of_it(room: Page, alice: Work) -> None:
    screen = await opened(room, alice.tenant, await alice.tenant.session())
    await screen.run(r"clear; printf '\e[?1000h\e[?1006h'; echo watching; cat -v", "^watching$")
    text = screen.element.locator(".xterm-screen")
    await text.click(position={"x": 50, "y": 40})
    await screen.see(r"\^\[\[<0;\d+;3M\^\[\[<0;\d+;3m")
    await room.mouse.wheel(0, 120)
    await screen.see(r"\^\[\[<65;\d+;3M")


async def test_a_phone_types_the_keys_that_its_keyboard_lacks(phone: Page, alice: Work) -> None:
    screen = await opened(phone, alice.tenant, await alice.tenant.session())
    keys = phone.get_by_role("toolbar", name="Keys")
    await screen.element.locator(".xterm-screen").tap()
    await screen.run("echo begun; sleep 600", "^begun$")
    await keys.get_by_role("button", name="Ctrl").tap()
    await screen.type("c")
    await screen.see(r"^\^C")
    await screen.run("echo again-$((1 + 1))", "^again-2")
    await screen.type("clear\n")
    await keys.get_by_role("button", name="Up").tap()
    await keys.get_by_role("button", name="Up").tap()
    await screen.type("\n")
    await screen.see("^again-2")
    await screen.type("cat /etc/hostna")
    await keys.get_by_role("button", name="Tab").tap()
    await screen.see("hostname")
    await screen.type("; cat -v\n")
    await keys.get_by_role("button", name="Esc").tap()
    await screen.see(r"\^\[")
    assert [0, 0] == await phone.evaluate(
        "() => [document.scrollingElement, document.querySelector('main')].map((it) => it.scrollWidth - it.clientWidth)"
    )


async def test_a_finger_scrolls_a_terminal_and_a_program_in_it(phone: Page, alice: Work) -> None:
    screen = await opened(phone, alice.tenant, await alice.tenant.session())
    finger = await phone.context.new_cdp_session(phone)
    await screen.run("seq 300", "^300")
    rows = screen.element.locator(".xterm-rows")
    await expect(rows).to_contain_text("300")
    await drag(finger, 300, 600)
    await expect(rows).not_to_contain_text("300")
    await drag(finger, 600, 250)
    await expect(rows).to_contain_text("300")
    await screen.run("seq 300 | less", "^:$")
    await drag(finger, 600, 300)
    await screen.see("^50$")


async def drag(finger: CDPSession, begin: int, end: int) -> None:
    """Move one finger, from one height of the page to another."""
    heights = [begin + (end - begin) * step // 10 for step in range(1, 11)]
    for kind, points in (("touchStart", [begin]), *(("touchMove", [y]) for y in heights), ("touchEnd", [])):
        touched = [{"x": 100, "y": y} for y in points]
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
