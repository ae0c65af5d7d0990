"""Building the web client: what is up to date is left alone, and a failure says why."""

from pathlib import Path

import pytest

from tools import environments, web


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client of one page, in a checkout of its own."""
    for module in (environments, web):
        monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    monkeypatch.setattr(web, "WEB", tmp_path / "web")
    monkeypatch.setattr(web, "BUILT", tmp_path / "api/static")
    monkeypatch.setattr(web, "_LOCK", tmp_path / "web/build.lock")
    vite = tmp_path / "web/node_modules/vite/bin/vite.js"
    vite.parent.mkdir(parents=True)
    # It stands for the real one, of which tests/api/routes/test_site.py sees the work.
    vite.write_text(
        'const fs = require("fs"); const page = fs.readFileSync("index.html", "utf8");'
        'if (page === "broken") { console.error("cannot be parsed"); process.exit(1); }'
        'fs.mkdirSync("../api/static", { recursive: true }); fs.writeFileSync("../api/static/index.html", page);'
        'fs.appendFileSync("../builds", "x");'
    )
    for name in ("package.json", "package-lock.json", ".npmrc"):
        (tmp_path / "web" / name).write_text("{}")
    mark = environments.digest("packages", "web/package.json", "web/package-lock.json", "web/.npmrc")
    (tmp_path / "web/node_modules/.hostel").write_text(mark)
    (tmp_path / "web/index.html").write_text("first")
    return tmp_path


def builds(checkout: Path) -> int:
    return len((checkout / "builds").read_text())


def test_it_is_built_once_and_again_when_a_source_has_changed(sources: Path) -> None:
    web.build()
    web.build()
    assert ("first", 1) == ((sources / "api/static/index.html").read_text(), builds(sources))
    (sources / "web/index.html").write_text("second")
    web.build()
    assert ("second", 2) == ((sources / "api/static/index.html").read_text(), builds(sources))


def test_what_the_tools_make_is_no_source(sources: Path) -> None:
    web.build()
    (sources / "web/openapi.json").write_text("{}")
    (sources / "web/node_modules/more").write_text("")
    web.build()
    assert 1 == builds(sources)


def test_a_build_that_fails_says_why_and_is_tried_again(sources: Path) -> None:
    web.build()
    (sources / "web/index.html").write_text("broken")
    with pytest.raises(web.ToolError, match="cannot be parsed"):
        web.build()
    (sources / "web/index.html").write_text("first")
    web.build()
    assert ("first", 2) == ((sources / "api/static/index.html").read_text(), builds(sources))


def test_the_lock_file_names_no_registry_and_every_version_is_exact() -> None:
    lock = (web.WEB / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    package = (web.WEB / "package.json").read_text(encoding="utf-8")
    assert "^" not in package
    assert "~" not in package
