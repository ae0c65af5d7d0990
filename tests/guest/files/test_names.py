import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest.files import names
from guest.files.names import _best
from shared.errors import Code, Fault
from shared.files import NAMES_MAX, TYPED_MAX
from shared.guestwire.files import FileNames, ListFileNames
from shared.ids import new_session_id
from tests.guest.harness import Client, Guest, git

SESSION = new_session_id()
FILES = ("main.py", "domain.py", "src/main/app.ts", "src/mail/inbox.ts", "docs/Main Page.md", "README")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def best(folder: Path, text: str, limit: int = 50, listed: tuple[str, ...] = FILES) -> list[str]:
    request = ListFileNames(session=SESSION, text=text, limit=limit)
    return _best(folder, [os.fsencode(name) for name in listed], request)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("main", ["main.py", "docs/Main Page.md", "domain.py", "src/main/app.ts"]),
        ("MAIN.PY", ["main.py", "domain.py"]),
        ("src/ma", ["src/main/app.ts", "src/mail/inbox.ts"]),
        ("smailt", ["src/mail/inbox.ts"]),
        ("main page", ["docs/Main Page.md"]),
        ("mainpage", ["docs/Main Page.md"]),
        ("nothing", []),
        ("readmee", []),
    ],
)
def test_the_best_match_comes_first(folder: Path, text: str, expected: list[str]) -> None:
    found = best(folder, text)
    assert (expected, bool(expected)) == (found[: len(expected)], bool(found))


def test_without_letters_every_file_matches_the_short_ones_first(folder: Path) -> None:
    assert sorted(FILES, key=lambda path: (len(path), path)) == best(folder, "")


def test_what_is_in_the_index_and_gone_is_left_out(folder: Path) -> None:
    (folder / "main.py").unlink()
    (folder / "link.py").symlink_to("nowhere")
    assert ["link.py", "domain.py"] == best(folder, ".py", listed=(*FILES, "link.py"))


@given(st.text(max_size=12), st.lists(st.text("ab/. é", min_size=1, max_size=20), max_size=20))
def test_each_path_that_is_found_has_the_letters_in_order(text: str, listed: list[str]) -> None:
    request = ListFileNames(session=SESSION, text=text)
    for rank, length, path, name in names._ranked([os.fsencode(one) for one in listed], request.text):
        letters = iter(path.lower())
        assert all(letter in letters for letter in "".join(text.lower().split()))
        assert (len(path), path) == (length, os.fsdecode(name))
        assert rank in range(4)


def test_a_hundred_thousand_names_take_no_time(tmp_path: Path) -> None:
    listed = tuple(f"{'a' * 40}/{number:06d}/{'b' * 20}.py" for number in range(100_000))
    began = time.perf_counter()
    assert [] == best(tmp_path, "a" * (TYPED_MAX - 1) + "x", listed=listed)
    best(tmp_path, "aab9", listed=listed)
    assert time.perf_counter() - began < 5


async def call(client: Client, session: str, text: str, **fields: Any) -> FileNames:  # noqa: ANN401  # the request's
    found: FileNames = await client.call(ListFileNames(session=session, text=text, **fields))
    return found


async def test_git_says_which_files_there_are(guest: Guest, bare: Path) -> None:
    session = (await guest.settled((await guest.session(repo_url=f"file://{bare}")).session)).session
    repo = guest.sessions / session / "repo"
    for path in ("new file.txt", "build/out.txt", ".gitignore", os.fsdecode(b"raw\xff.txt")):
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_text("build/\n")
    client = await guest.client()
    assert {"new file.txt", "raw\uefff.txt"} == set((await call(client, session, ".txt")).items)
    assert ["README"] == (await call(client, session, "readme")).items
    cut = await call(client, session, "", limit=2)
    assert (2, True) == (len(cut.items), cut.truncated)
    whole = await call(client, session, "", limit=NAMES_MAX)
    assert (4, False) == (len(whole.items), whole.truncated)
    git("init", "--quiet", str(repo / "inner"), cwd=repo)
    (repo / "inner" / "file.txt").touch()
    assert not [path for path in (await call(client, session, "inner")).items if path.startswith("inner")]
    with pytest.raises(Fault) as raised:
        await call(client, new_session_id(), "x")
    assert Code.NOT_FOUND is raised.value.code


async def test_an_answer_fits_a_frame_whatever_the_names(guest: Guest) -> None:
    session = (await guest.session()).session
    repo = guest.sessions / session / "repo"
    deep = repo
    for _ in range(12):
        deep = deep / ("é" * 120)
        deep.mkdir()
    for number in range(NAMES_MAX):
        (deep / f"{number}").touch()
    found = await call(await guest.client(), session, "", limit=NAMES_MAX)
    assert 0 < len(found.items) < NAMES_MAX
    assert found.truncated
