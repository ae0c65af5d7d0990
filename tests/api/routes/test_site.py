import gzip
import re

import pytest

from tests.api.serving import Server

PATHS = (
    "/",
    "/signin",
    "/new",
    "/w/w0123456789abcdef01234567",
    "/w/w0123456789abcdef01234567/s/x/files",
    "/w/w0123456789abcdef01234567/s/x/files?path=src/app.py&line=3",
    "/?utm_source=mail",
    "/w/w0123456789abcdef01234567?q=one&q=two",
    "/orgs",
    "/admin/keys",
)
SMALL = 1024
"""Bytes below which nothing is compressed."""
ASSET = re.compile(r'"(/assets/[^"]+)"')


async def page_of(server: Server, path: str) -> tuple[str, str]:
    """The text of a page, and its policy."""
    async with server.http.get(server.url + path) as reply:
        assert 200 == reply.status
        assert "no-store" == reply.headers["Cache-Control"]
        return await reply.text(), reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_of_the_client_is_its_page(server: Server, path: str) -> None:
    text, _ = await page_of(server, path)
    assert '<div id="root">' in text


@pytest.mark.parametrize("path", ["/", "/api/docs"])
async def test_a_page_runs_files_of_this_server_and_nothing_inline(server: Server, path: str) -> None:
    text, policy = await page_of(server, path)
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert ["src"] * len(re.findall("<script", text)) == re.findall(r"<script[^>]*?\s(src)=", text)
    assert "style=" not in text


async def test_each_page_has_a_nonce_of_its_own(server: Server) -> None:
    (first, one), (second, two) = await page_of(server, "/"), await page_of(server, "/")
    nonces = [re.findall(r"'nonce-([^']+)'", policy) for policy in (one, two)]
    assert nonces[0] != nonces[1]
    for text, (nonce,) in zip((first, second), nonces, strict=True):
        assert f'nonce="{nonce}"' in text
        assert "{{nonce}}" not in text


async def test_files_are_kept_for_ever_and_come_compressed(server: Server) -> None:
    text, _ = await page_of(server, "/")
    assets = ASSET.findall(text)
    assert assets
    for path in assets:
        async with server.http.get(server.url + path, headers={"Accept-Encoding": "identity"}) as reply:
            plain = await reply.read()
            assert "public, max-age=31536000, immutable" == reply.headers["Cache-Control"]
        if len(plain) < SMALL:
            continue
        async with server.http.get(server.url + path, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as reply:
            assert "gzip" == reply.headers["Content-Encoding"]
            assert reply.headers["Content-Type"].startswith(("text/javascript", "text/css"))
            assert plain == gzip.decompress(await reply.read())


@pytest.mark.parametrize("name", ["nothing.js", "..%2Findex.html", "index.html", ".stamp", "%2e%2e%2f%2e%2e%2fapp.py"])
async def test_what_was_not_built_is_not_found(server: Server, name: str) -> None:
    async with server.http.get(f"{server.url}/assets/{name}") as reply:
        assert 404 == reply.status


async def test_the_icon_is_there_by_both_names(server: Server) -> None:
    for path in ("/icon.svg", "/favicon.ico"):
        async with server.http.get(server.url + path) as reply:
            assert (200, "image/svg+xml") == (reply.status, reply.content_type)
