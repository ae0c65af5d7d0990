"""xterm.js alone in a page, without hostel: what no terminal in a browser can beat here."""

from pathlib import Path
from typing import Final

from playwright.async_api import ElementHandle, Page, Route

_XTERM: Final = Path(__file__).parents[2] / "web/node_modules/@xterm/xterm"
_FILES: Final = {"xterm.mjs": "lib/xterm.mjs", "xterm.css": "css/xterm.css"}
_PAGE: Final = '<!doctype html><link rel="stylesheet" href="xterm.css"><div id="terminal"></div>'
_OPEN: Final = """async ([cols, rows]) => {
    const { Terminal } = await import("/floor/xterm.mjs");
    const terminal = new Terminal({ cols, rows, fontSize: 13, scrollback: 10000, minimumContrastRatio: 4.5 });
    const element = document.getElementById("terminal");
    terminal.open(element);
    terminal.onData(text => terminal.write(text));
    Object.defineProperty(element, "text", { get: () => terminal.buffer.active.getLine(0).translateToString(true) });
    window.terminal = terminal;
    terminal.focus();
}"""
_FLOOD: Final = """([line, volume]) => new Promise(resolve => {
    const bytes = new TextEncoder().encode(line.repeat(Math.ceil(4096 / line.length)));
    const begin = performance.now();
    let sent = 0;
    const more = () => {
        for (let piece = 0; piece < 15 && sent < volume; piece += 1) {
            window.terminal.write(bytes);
            sent += bytes.length;
        }
        window.terminal.write("", () => sent < volume ? more() : resolve(sent / (performance.now() - begin) * 1e3));
    };
    more();
})"""


async def bare(page: Page, cols: int, rows: int) -> ElementHandle:
    """A terminal of so many characters, which echoes what is typed by itself; its property `text` is its first line."""

    async def answer(route: Route) -> None:
        path = _FILES.get(route.request.url.rpartition("/")[2])
        await (route.fulfill(path=_XTERM / path) if path else route.fulfill(body=_PAGE, content_type="text/html"))

    await page.route("**/floor/*", answer)
    await page.goto("/floor/")
    await page.evaluate(_OPEN, [cols, rows])
    element = await page.query_selector("#terminal")
    assert element is not None
    return element


async def flood(page: Page, line: str, volume: int) -> float:
    """Bytes per second that it takes when it is written to without a network."""
    rate: float = await page.evaluate(_FLOOD, [line, volume])
    return rate
