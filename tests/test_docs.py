"""The documents say what the code says."""

import re
from pathlib import Path

import pytest

from tools.protocol import DOCUMENT, render

ROOT = Path(__file__).parents[1]


def test_the_protocol_document_is_made_from_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert render(text) == text, "run `make protocol`"


def named_tests() -> list[str]:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", text)))


@pytest.mark.parametrize("name", named_tests())
def test_a_test_that_the_security_document_names_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_each_promise_names_a_test() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    promises = re.findall(r"^### \d\. .*?(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert 7 == len(promises)
    for promise in promises:
        assert "`tests/" in promise, promise.splitlines()[0]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 100


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
