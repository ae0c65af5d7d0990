"""The agents as people use them: started by hand in a terminal, where they ask nothing before they work."""

import json
import re

import pytest

from tests.e2e.work import Work
from tests.stack import Attachment

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

_ESCAPE = re.compile(rb"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-B0-2]|[=>78cDEHMNOZ])")


def text(view: Attachment) -> str:
    """What was printed, without the sequences that place and colour it, and without spaces."""
    return re.sub(r"\s+", "", _ESCAPE.sub(b"", bytes(view.output)).decode(errors="replace"))


async def sees(view: Attachment, *wanted: str) -> None:
    """Receive until all of these were printed, wherever on the screen."""
    packed = [re.sub(r"\s+", "", part) for part in wanted]
    try:
        await view.until(lambda: all(part in text(view) for part in packed), within=45)
    except TimeoutError:
        raise AssertionError(f"{wanted} were not printed, but: {text(view)[-3000:]}") from None


@pytest.mark.parametrize("name", ["claude", "codex"])
async def test_a_program_on_the_path_starts_in_a_login_shell(alice: Work, name: str, agents_versions: dict[str, str]) -> None:
    terminal = await alice.tenant.terminal(await alice.tenant.session())
    async with alice.tenant.attach(terminal) as view:
        await view.type(f"{name} --version\n")
        await sees(view, agents_versions[name])


async def test_claude_in_a_terminal_asks_nothing_and_works(alice: Work) -> None:
    room = await alice.room()
    terminal = await alice.tenant.terminal(room.session, cols=120, rows=40)
    async with alice.tenant.attach(terminal) as view:
        await view.type("claude\n")
        await sees(view, "shift+tab to cycle")
        for question in ("Choose the text style", "Do you trust", "Do you want to use this API key", "Select login method"):
            assert re.sub(r"\s+", "", question) not in text(view)
        await view.type("Typed by hand.")
        await sees(view, "Typed by hand")
        await view.type("\r")
        await sees(view, "So it is.")
    assert {alice.key("claude")} == alice.models.keys("Typed by hand")


async def test_codex_in_a_terminal_asks_nothing_and_works(alice: Work) -> None:
    room = await alice.room()
    config = alice.tenant.home / ".codex/config.toml"
    terminal = await alice.tenant.terminal(room.session, cols=120, rows=40)
    async with alice.tenant.attach(terminal) as view:
        before = config.read_text()
        config.write_text(f'openai_base_url = "{alice.models.url}/v1"\n{before}')
        await view.type("codex\n")
        await sees(view, "OpenAI Codex")
        await view.type("Typed by hand for codex.")
        await sees(view, "Typed by hand for codex.")
        await view.type("\r")
        await sees(view, "So it is.")
    assert {alice.key("codex")} == alice.models.keys("Typed by hand for codex")
    assert json.loads((alice.tenant.home / ".codex/auth.json").read_text())["OPENAI_API_KEY"] == alice.key("codex")
