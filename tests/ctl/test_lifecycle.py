"""`hostelctl delete --keep`, `restore`, `master` and `signing`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctl.backup import save
from ctl.cli import hostelctl
from shared.config import Config
from shared.errors import Code, Fault
from shared.hostwire import LockWorkspace, MasterRotated, RestoreWorkspace, RotateMaster
from shared.messages import Failure, Reply, Request
from tests.ctl.fakehost import FakeHost
from tests.ctl.test_client import WORKSPACE, info

Fake = Callable[..., FakeHost]


def answer(request: Request) -> Reply:
    match request:
        case LockWorkspace() | RestoreWorkspace():
            return info(1) if request.workspace == WORKSPACE else Failure(code=Code.GONE, message="it was deleted")
        case RotateMaster():
            return MasterRotated(resealed=7)
    raise AssertionError(request)


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(hostelctl, ["--socket", str(path), *arguments])


def test_a_workspace_is_locked_without_a_question_and_unlocked(fake: Fake, socket_path: Path) -> None:
    host = fake(answer)
    assert f"{WORKSPACE} locked\n" == run(socket_path, "delete", "--keep", WORKSPACE).output
    assert f"{WORKSPACE} restored\n" == run(socket_path, "restore", WORKSPACE).output
    told = json.loads(run(socket_path, "--json", "restore", WORKSPACE).output)
    assert {"workspace": WORKSPACE, "restored": True} == told
    kinds = [type(request).__name__ for request in host.requests]
    assert ["LockWorkspace", "RestoreWorkspace", "RestoreWorkspace"] == kinds


def test_what_was_removed_for_good_does_not_come_back(fake: Fake, socket_path: Path) -> None:
    fake(answer)
    result = run(socket_path, "restore", "w" + "f" * 24)
    assert 4 == result.exit_code
    assert "it was deleted" in result.output


def test_the_master_key_is_rotated(fake: Fake, socket_path: Path) -> None:
    fake(answer)
    assert "the credentials of 7 workspaces" in run(socket_path, "master", "rotate").output
    assert {"resealed": 7} == json.loads(run(socket_path, "--json", "master", "rotate").output)


def test_a_backup_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(hostelctl, ["--config", str(tmp_path / "none.toml"), "backup", str(tmp_path / "b")])
    assert (1, False) == (result.exit_code, (tmp_path / "b").exists())
    assert result.output.startswith("error: ")


def test_a_backup_goes_into_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctl.backup._be_root", lambda: None)
    with pytest.raises(Fault, match=r"there is no folder .*none"):
        save(tmp_path / "hostel.toml", Config(), tmp_path / "none/b")


@pytest.mark.parametrize("key", ["../x", "a/b", "", "a b"])
def test_what_is_no_keys_id_is_not_sent(tmp_path: Path, key: str) -> None:
    assert 2 == run(tmp_path / "none", "signing", "revoke", key).exit_code
