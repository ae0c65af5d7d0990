"""Folders are made and opened by descriptor, and no symbolic link is followed."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostd import folders
from shared.errors import Fault


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, folders.DIRECTORY)
    yield fd
    os.close(fd)


def test_a_folder_is_closed_until_its_block_ends(tmp_path: Path, parent: int) -> None:
    me = os.geteuid(), os.getegid()
    with folders.made("new", parent, uid=me[0], gid=me[1], mode=0o1750):
        assert 0o700 == stat.S_IMODE((tmp_path / "new").stat().st_mode)
    assert 0o1750 == stat.S_IMODE((tmp_path / "new").stat().st_mode)
    with folders.made("new", parent, uid=me[0], gid=me[1], mode=0o700):
        pass
    assert 0o700 == stat.S_IMODE((tmp_path / "new").stat().st_mode)


def test_a_link_in_a_folders_place_is_refused(tmp_path: Path, parent: int) -> None:
    (tmp_path / "real").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to("real")
    before = (tmp_path / "real").stat()
    with pytest.raises(NotADirectoryError), folders.made("link", parent, uid=os.geteuid(), gid=os.getegid(), mode=0o777):
        pass
    with pytest.raises(NotADirectoryError), folders.opened("link", parent):
        pass
    assert before == (tmp_path / "real").stat()


def test_a_file_is_replaced_and_a_link_in_its_place_is_not_followed(tmp_path: Path, parent: int) -> None:
    (tmp_path / "canary").write_text("untouched")
    (tmp_path / "file").symlink_to("canary")
    (tmp_path / ".file.new").symlink_to("canary")
    with pytest.raises(OSError, match="symbolic link"):
        folders.read("file", parent)
    folders.write(parent, {"file": b"new"})
    assert b"new" == folders.read("file", parent)
    assert 0o600 == stat.S_IMODE((tmp_path / "file").lstat().st_mode)
    assert "untouched" == (tmp_path / "canary").read_text()
    assert {"canary", "file"} == {path.name for path in tmp_path.iterdir()}


def test_removal_takes_links_and_not_what_they_lead_to(tmp_path: Path, parent: int) -> None:
    (tmp_path / "canary").mkdir()
    (tmp_path / "canary" / "file").write_text("untouched")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "link").symlink_to(tmp_path / "canary")
    (tree / "a" / "link").symlink_to(tmp_path / "canary" / "file")
    os.mkfifo(tree / "pipe")
    folders.remove("tree", parent)
    folders.remove("tree", parent)
    assert not tree.exists()
    assert "untouched" == (tmp_path / "canary" / "file").read_text()


def test_a_tree_too_deep_for_root_is_left(tmp_path: Path, parent: int) -> None:
    Path(tmp_path, *["d"] * 40).mkdir(parents=True)
    with pytest.raises(Fault, match="too deep"):
        folders.remove("d", parent)


def test_a_place_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(Fault, match="root alone"):
        folders.trust(place)
