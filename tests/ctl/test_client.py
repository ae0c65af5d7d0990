import inspect
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.client import HostClient
from shared.errors import Code, Fault
from shared.hostwire import (
    HOST,
    CreateInvite,
    CreateWorkspace,
    Entered,
    Invite,
    ListWorkspaces,
    Redeemed,
    WorkspaceInfo,
    Workspaces,
    WorkspaceState,
)
from shared.messages import Done, Failure, Reply, Request
from shared.secret import Secret
from tests.ctl.fakehost import FakeHost

Fake = Callable[..., FakeHost]
WORKSPACE = "w0123456789abcdef01234567"


def info(number: int) -> WorkspaceInfo:
    return WorkspaceInfo(
        workspace=f"w{number:024x}",
        uid=200_000 + number,
        state=WorkspaceState.READY,
        created="2026-01-02T03:04:05Z",
        running=False,
        processes=0,
    )


@pytest.mark.parametrize("name", sorted(HOST.verbs))
def test_each_verb_has_a_method_of_its_name_with_the_fields_of_its_request(name: str) -> None:
    fields = set(HOST.verbs[name].request.__struct_fields__) - {"id", "origin"}
    assert fields == set(inspect.signature(getattr(HostClient, name)).parameters) - {"self"}


def test_an_answer_comes_back_and_the_requests_are_numbered(fake: Fake, socket_path: Path) -> None:
    host = fake(lambda _: Invite(token=Secret("t"), expires="2026-01-02T03:04:05Z"))
    with HostClient(socket_path) as client:
        assert "t" == client.create_invite().token.reveal()
        client.create_invite(lifetime=10)
    assert [CreateInvite(id=1), CreateInvite(id=2, lifetime=10)] == host.requests


def test_a_failure_becomes_a_fault(fake: Fake, socket_path: Path) -> None:
    fake(lambda _: Failure(code=Code.NOT_FOUND, message="there is no such workspace"))
    with HostClient(socket_path) as client, pytest.raises(Fault, match="not_found: there is no such workspace"):
        client.show_workspace(workspace=WORKSPACE)


def test_an_answer_of_another_kind_is_a_fault(fake: Fake, socket_path: Path) -> None:
    fake(lambda _: Redeemed(role="admin"))
    with HostClient(socket_path) as client, pytest.raises(Fault, match="StopWorkspace with Redeemed"):
        client.stop_workspace(workspace=WORKSPACE)


def test_a_missing_socket_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=f"cannot reach hostd at {tmp_path}/none: No such file") as caught:
        HostClient(tmp_path / "none")
    assert Code.UNAVAILABLE == caught.value.code


def test_a_host_that_hangs_up_is_unavailable(fake: Fake, socket_path: Path) -> None:
    fake(lambda _: None)
    with HostClient(socket_path) as client, pytest.raises(Fault, match="closed the connection"):
        client.status()


def test_another_version_is_refused(fake: Fake, socket_path: Path) -> None:
    fake(lambda _: None, version=99)
    with pytest.raises(Fault, match="another version"):
        HostClient(socket_path)


def test_a_host_that_is_silent_is_a_timeout(fake: Fake, socket_path: Path) -> None:
    fake(lambda _: Done())
    with HostClient(socket_path, timeout=0.2) as client:
        client._frames.feed(b"\x00\x00\x01\x00")  # the beginning of a frame whose rest never comes
        with pytest.raises(Fault, match="does not answer"):
            client.stop_workspace(workspace=WORKSPACE)


def test_entering_gives_the_connection_that_came_along(fake: Fake, socket_path: Path) -> None:
    ours, theirs = socket.socketpair()
    fake(lambda _: Entered(started=True, missing=[]), fds=[theirs.fileno()])
    with HostClient(socket_path) as client:
        entered, sock = client.enter_workspace(workspace=WORKSPACE)
        assert entered.started
        assert not sock.get_inheritable()
        sock.close()
    theirs.close()
    assert b"" == ours.recv(1)
    ours.close()


def test_all_pages_of_workspaces_are_walked(fake: Fake, socket_path: Path) -> None:
    def page(request: Request) -> Reply:
        assert isinstance(request, ListWorkspaces)
        first = 0 if request.after is None else int(request.after[1:], 16) + 1
        items = [info(number) for number in range(first, min(first + 2, 5))]
        return Workspaces(items=items, next=items[-1].workspace if first + 2 < 5 else None)

    host = fake(page)
    with HostClient(socket_path) as client:
        assert [info(number).workspace for number in range(5)] == [item.workspace for item in client.every_workspace()]
    assert 3 == len(host.requests)


def test_a_workspace_is_made_with_its_providers(fake: Fake, socket_path: Path) -> None:
    host = fake(lambda _: info(1))
    with HostClient(socket_path) as client:
        client.create_workspace(workspace=WORKSPACE, secret_hash="0" * 64, providers={"claude": None})
    assert [CreateWorkspace(id=1, workspace=WORKSPACE, secret_hash="0" * 64, providers={"claude": None})] == host.requests
