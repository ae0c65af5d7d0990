"""Attacks on hostd: by a tenant from inside its home, and by a peer on the socket."""

import contextlib
import hashlib
import json
import os
import random
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.audit.check import verify
from shared.audit.log import key_of
from shared.errors import Code, Fault
from shared.frames import HOST_FRAME_MAX
from shared.hostwire import (
    HOST,
    AppendAudit,
    AuditEvent,
    Authenticate,
    AuthType,
    CreateInvite,
    CreateWorkspace,
    DeleteWorkspace,
    Entered,
    EnterWorkspace,
    GetProviders,
    HostStatus,
    Invite,
    ListWorkspaces,
    LockWorkspace,
    Origin,
    ProviderAuth,
    ProviderChange,
    Providers,
    ProviderView,
    PurgeWorkspace,
    ReadAudit,
    Redeemed,
    RedeemInvite,
    RestoreWorkspace,
    RotateMaster,
    SetProviders,
    SetSecret,
    ShowWorkspace,
    Status,
    StopWorkspace,
    VerifySecret,
    WorkspaceInfo,
    Workspaces,
)
from shared.ids import new_workspace_id
from shared.messages import VERSION, Done, Failure, Hello, Reply, Request, Welcome, snake
from shared.secret import Secret
from tests.root.hostd_harness import DEADLINE, HASH, Client, Hostd, as_tenant_python, code_of, wait_until
from tests.wire import pack

pytestmark = pytest.mark.root


def descriptors(hostd: Hostd) -> int:
    return len(os.listdir(f"/proc/{hostd.pid}/fd"))


def resident(hostd: Hostd) -> int:
    """In kB."""
    return int(Path(f"/proc/{hostd.pid}/status").read_text().partition("VmRSS:")[2].split()[0])


SWAP = """
import os, sys
home, canary = sys.argv[1:]
os.chdir(home)
names = [".hostel", ".hostel/guest.log", "vibecoder_workspace", "vibecoder_workspace/metadata", "vibecoder_workspace/sessions",
         "vibecoder_workspace/sessions/x", "vibecoder_workspace/metadata/secret", "vibecoder_workspace/metadata/.secret.new",
         "/tmp/x", "x"]
rounds = 0
while True:
    rounds += 1
    for name in names:
        for target in (canary, canary + "/file"):
            aside, hard = name + ".aside", name + ".hard"
            for step in (lambda: os.mkdir(name), lambda: os.rename(name, aside), lambda: os.symlink(target, name),
                         lambda: os.link(target, hard), lambda: os.unlink(name), lambda: os.rename(aside, name),
                         lambda: os.rmdir(name), lambda: os.unlink(hard)):
                try: step()
                except OSError: pass
    if rounds == 3: open("swapping", "w").close()
"""


def snapshot(folder: Path) -> list[Any]:
    return [
        (str(path), path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_gid, path.lstat().st_mtime_ns)
        for path in sorted([folder, *folder.rglob("*")])
    ] + [path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_a_tenant_that_swaps_folders_and_links_leads_no_verb_astray(hostd: Hostd, client: Client) -> None:
    """Two processes of the tenant swap each name in its home that hostd might touch for a link to root's canary."""
    canary = hostd.folder / "canary"
    canary.mkdir(mode=0o755)
    canary.chmod(0o755)
    (canary / "file").write_text("untouched")
    (canary / "guest.log").write_text("untouched")
    before = snapshot(canary)
    for turn in range(4):
        info = client.create()
        home, workspace = hostd.home(info.workspace), info.workspace
        attackers = [as_tenant_python(info.uid, SWAP, str(home), str(canary)) for _ in range(2)]
        wait_until((home / "swapping").exists)
        for number in range(30):
            digest = f"{number:064x}"
            client.call(SetSecret(workspace=workspace, secret_hash=digest), Done)
            client.call(
                SetProviders(workspace=workspace, changes={"claude": ProviderChange(enabled=bool(number % 2))}), Providers
            )
            client.call(GetProviders(workspace=workspace), Providers)
            assert Code.UNAUTHORIZED == code_of(client, VerifySecret(workspace=workspace, secret=Secret("wrong")))
            client.call(CreateWorkspace(workspace=workspace, secret_hash=digest), WorkspaceInfo)
            client.call(ShowWorkspace(workspace=workspace), WorkspaceInfo)
            client.call(ListWorkspaces(), Workspaces)
            if number % 10 == 0:
                with client.enter(workspace) as guest:
                    assert info.uid == guest.run("import os; result = os.getuid()")
        assert f"{29:064x}" == (home / "vibecoder_workspace/metadata/secret").read_text()
        assert all(attacker.poll() is None for attacker in attackers)
        client.call(StopWorkspace(workspace=workspace) if turn % 2 else DeleteWorkspace(workspace=workspace), Done)
        assert [-9, -9] == [attacker.wait(10) for attacker in attackers]
        assert before == snapshot(canary)


def test_a_home_full_of_links_is_removed_and_nothing_else(hostd: Hostd, client: Client) -> None:
    canary = hostd.folder / "other"
    canary.mkdir()
    canary.chmod(0o777)
    (canary / "file").write_text("untouched")
    (canary / "file").chmod(0o666)
    before = snapshot(canary)
    info = client.create()
    with client.enter(info.workspace) as guest:
        fill = f"import os\nfor n in range(300): os.symlink('{canary}', f'a{{n}}'); os.symlink('{canary}/file', f'b{{n}}')\n"
        fill += "path = 'deep'\nfor n in range(300):\n  os.mkdir(path); os.chdir(path); path = 'd' * 100"
        assert None is guest.run(fill)
    client.call(DeleteWorkspace(workspace=info.workspace), Done)
    assert not hostd.home(info.workspace).exists()
    assert before == snapshot(canary)


def test_a_third_user_is_refused_by_the_kernels_word(hostd: Hostd, client: Client) -> None:
    info = client.create()
    for uid in (info.uid, 65534):
        with hostd.client(uid=uid, greet=False) as stranger:
            refusal = stranger.receive()
            assert isinstance(refusal, Failure)
            assert Code.FORBIDDEN == refusal.code
            with contextlib.suppress(OSError):
                assert None is stranger.receive()


def test_the_api_may_call_its_verbs_and_not_roots(hostd: Hostd, client: Client) -> None:
    info = client.create()
    with hostd.client(uid=hostd.account().pw_uid) as api:
        assert info.uid == api.call(ShowWorkspace(workspace=info.workspace), WorkspaceInfo).uid
        assert Code.FORBIDDEN == code_of(api, DeleteWorkspace(workspace=info.workspace))
        assert Code.FORBIDDEN == code_of(api, CreateInvite())
    assert "forbidden" == hostd.audit()[-1]["outcome"]
    assert str(hostd.account().pw_uid) == hostd.audit()[-1]["source"]
    client.call(ShowWorkspace(workspace=info.workspace), WorkspaceInfo)


def frame(**fields: object) -> bytes:
    return pack(msgspec.msgpack.encode(fields))


ID = new_workspace_id()
BAD = {
    "not msgpack": pack(b"\xc1"),
    "empty": pack(b""),
    "a list": pack(msgspec.msgpack.encode([1])),
    "an unknown verb": frame(t="become_root", id=1),
    "a uid": frame(t="create_workspace", id=1, workspace=ID, secret_hash=HASH, uid=0),
    "a path": frame(t="enter_workspace", id=1, workspace=ID, path="/"),
    "a command": frame(t="enter_workspace", id=1, workspace=ID, argv=["/bin/sh"]),
    "a newline in an id": frame(t="show_workspace", id=1, workspace=ID[:-1] + "\n"),
    "an id and a newline": frame(t="show_workspace", id=1, workspace=ID + "\n"),
    "a NUL in an id": frame(t="show_workspace", id=1, workspace=ID[:-1] + "\0"),
    "dots in an id": frame(t="show_workspace", id=1, workspace="../../../../etc/passwd..."),
    "an upper-case id": frame(t="show_workspace", id=1, workspace=ID.upper()),
    "an option as an id": frame(t="delete_workspace", id=1, workspace="-rf"),
    "root as an id": frame(t="delete_workspace", id=1, workspace="root"),
    "no id": frame(t="status"),
    "a negative id": frame(t="status", id=-1),
    "an id of text": frame(t="status", id="1"),
    "too large a page": frame(t="list_workspaces", id=1, limit=501),
    "a page of zero": frame(t="list_workspaces", id=1, limit=0),
    "a short hash": frame(t="set_secret", id=1, workspace=ID, secret_hash="abc"),
    "a hash and a newline": frame(t="set_secret", id=1, workspace=ID, secret_hash=HASH[:-1] + "\n"),
    "too many providers": frame(t="set_providers", id=1, workspace=ID, changes={f"p{n}": None for n in range(17)}),
    "a provider with a slash": frame(t="set_providers", id=1, workspace=ID, changes={"../x": None}),
    "a reply": frame(t="done", id=1),
    "a frame of a guest": frame(t="input", data=b"x"),
    "another hello": frame(t="hello", version=1),
    "4 GiB": struct.pack(">I", 2**32 - 1),
    "one byte too many": struct.pack(">I", HOST_FRAME_MAX + 1),
    "deep nesting": pack(b"\x91" * 100_000),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_frame_is_answered_and_ends_the_connection(hostd: Hostd, case: str) -> None:
    with hostd.client() as bad:
        bad.sock.sendall(BAD[case])
        answer = bad.receive()
        assert isinstance(answer, Failure)
        assert answer.code in (Code.BAD_REQUEST, Code.TOO_LARGE)
        with contextlib.suppress(ConnectionResetError):
            assert None is bad.receive()
    with hostd.client() as good:
        good.call(Status(), HostStatus)
    assert ID not in (item.workspace for item in all_workspaces(hostd))


def all_workspaces(hostd: Hostd) -> list[WorkspaceInfo]:
    with hostd.client() as client:
        return client.call(ListWorkspaces(limit=500), Workspaces).items


def test_the_first_frame_must_be_a_hello_of_our_version(hostd: Hostd) -> None:
    for first, code in ((Status(id=1), Code.BAD_REQUEST), (Hello(VERSION + 1), Code.VERSION)):
        with hostd.client(greet=False) as caller:
            caller.send(first)
            answer = caller.receive()
            assert isinstance(answer, Failure)
            assert code == answer.code
            assert None is caller.receive()


def test_a_slow_peer_is_cut_off(hostd: Hostd) -> None:
    """One says nothing at first, one does not end its frame, one sends a byte now and then. One is idle, which it may be."""
    silent, idle = hostd.client(greet=False), hostd.client()
    partial, dripping = hostd.client(), hostd.client()
    partial.sock.sendall(struct.pack(">I", 100) + b"x")
    dripping.sock.setblocking(True)
    start = time.monotonic()
    with contextlib.suppress(OSError):
        dripping.sock.sendall(struct.pack(">I", 100))
        while time.monotonic() - start < 20:
            dripping.sock.sendall(b"x")
            time.sleep(0.2)
    assert time.monotonic() - start < 10
    for slow in (silent, partial, dripping):
        answer = slow.receive()
        assert isinstance(answer, Failure)
        assert Code.TIMEOUT == answer.code
        slow.close()
    idle.call(Status(), HostStatus)
    idle.close()


def test_a_flood_of_rubbish_leaves_descriptors_and_memory_flat(hostd: Hostd, client: Client) -> None:
    """Truncated, mutated and oversized frames, descriptors that nobody asked for, and peers that leave in the middle."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    client.call(Status(), HostStatus)

    def flood() -> None:
        for _ in range(150):
            with hostd.client(greet=chance.random() < 0.8) as caller, contextlib.suppress(OSError, Fault):
                data = bytearray(chance.choice(list(BAD.values()))[:4096] * chance.randrange(1, 20))
                for _ in range(chance.randrange(4)):
                    if data:
                        data[chance.randrange(len(data))] = chance.randrange(256)
                with open("/dev/null", "rb") as null:
                    socket.send_fds(
                        caller.sock, [bytes(data[: chance.randrange(len(data) + 1)]) or b"\0"], [null.fileno()] * 10
                    )
                if chance.random() < 0.3:
                    caller.sock.shutdown(socket.SHUT_WR)
                    caller.receive()

    fds = descriptors(hostd)
    flood()
    memory = resident(hostd)
    for _ in range(4):
        flood()
    wait_until(lambda: descriptors(hostd) <= fds)
    assert resident(hostd) < memory + 2048
    client.call(Status(), HostStatus)


def test_connections_are_limited_for_each_user(hostd: Hostd) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(hostd.client())
        one_too_many = stack.enter_context(hostd.client(greet=False))
        answer = one_too_many.receive()
        assert isinstance(answer, Failure)
        assert Code.LIMIT == answer.code
        stack.enter_context(hostd.client(uid=hostd.account().pw_uid)).call(Status(), HostStatus)
    wait_until(lambda: not refused(hostd))


def refused(hostd: Hostd) -> bool:
    with hostd.client(greet=False) as caller:
        caller.send(Hello(VERSION))
        return not isinstance(caller.receive(), Welcome)


def test_many_requests_at_once_are_all_answered_and_memory_is_bounded(hostd: Hostd, client: Client) -> None:
    """A caller that sends and does not read is not read from either, and is dropped in the end."""
    for number in range(1, 201):
        client.send(Status(id=number))
    assert set(range(1, 201)) == {
        answer.id for answer in (client.receive() for _ in range(200)) if isinstance(answer, HostStatus)
    }
    memory = resident(hostd)
    with hostd.client() as glutton:
        glutton.sock.settimeout(0.5)
        with contextlib.suppress(OSError):
            for number in range(1, 100_000):
                glutton.send(Status(id=number))
        assert resident(hostd) < memory + 4096
        client.call(Status(), HostStatus)


def test_an_answers_descriptor_goes_to_its_caller_alone(hostd: Hostd, client: Client) -> None:
    info = client.create()
    client.call(EnterWorkspace(workspace=info.workspace), Entered)
    assert 1 == len(client.fds)
    before = descriptors(hostd)
    for _ in range(20):
        os.close(client.fds.pop())
        client.call(EnterWorkspace(workspace=info.workspace), Entered)
    # One or two come and go with what hostd does meanwhile; a leak would leave twenty.
    assert descriptors(hostd) < before + 10


def test_the_tenant_reads_the_credentials_of_its_own_agents_and_changes_none(hostd: Hostd, client: Client) -> None:
    key = ProviderAuth(AuthType.API_KEY, Secret("sk-sentinel-3"))
    info = client.create(providers={"claude": ProviderChange(auth=key), "codex": ProviderChange(enabled=False, auth=key)})
    other = client.create()
    root = hostd.run / "credentials" / info.workspace
    shared, read = root / "providers.json", "import os; result = open(os.environ['HOSTEL_CREDENTIALS']).read()"
    with client.enter(info.workspace) as guest:
        told = json.loads(guest.run(read))
        assert {"claude": {"type": "api_key", "value": "sk-sentinel-3"}, "codex": None} == told
        status = shared.lstat()
        assert (0, info.uid, 0o640) == (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
        changes: dict[str, ProviderChange | None] = {"claude": ProviderChange(enabled=False)}
        client.call(SetProviders(workspace=info.workspace, changes=changes), Providers)
        assert {"claude": None, "codex": None} == json.loads(guest.run(read))
        attempt = "import os\ntry:\n    {}\n    result = 'done'\nexcept OSError as error:\n    result = error.strerror"
        for attack in (
            f"open('{shared}', 'a')",
            f"os.unlink('{shared}')",
            f"os.rename('{shared}', '{root}/x')",
            f"os.rename('{root}', '{root.parent}/x')",
            f"os.listdir('{root.parent}')",
            f"os.listdir('{root.parent.parent}')",
            f"__import__('socket').socket(1).connect('{hostd.socket}')",
        ):
            assert "Permission denied" == guest.run(attempt.format(attack))
    with client.enter(other.workspace) as guest:
        assert "Permission denied" == guest.run(attempt.format(f"open('{shared}')"))


def test_credentials_that_a_crash_held_back_are_there_when_the_room_opens(hostd: Hostd, client: Client) -> None:
    key = ProviderAuth(AuthType.API_KEY, Secret("sk-sentinel-4"))
    info = client.create(providers={"claude": ProviderChange(auth=key)})
    shared = hostd.run / "credentials" / info.workspace / "providers.json"
    shared.parent.mkdir()
    shared.write_text("{}")
    with client.enter(info.workspace) as guest:
        assert "sk-sentinel-4" in guest.run(f"result = open('{shared}').read()")
    client.call(StopWorkspace(workspace=info.workspace), Done)
    assert not shared.parent.exists()


def test_providers_are_merged_and_never_shown(hostd: Hostd, client: Client) -> None:
    key = ProviderAuth(AuthType.API_KEY, Secret("sk-sentinel-1"))
    info = client.create(providers={"claude": ProviderChange(enabled=True, auth=key), "codex": ProviderChange(auth=key)})
    file = hostd.home(info.workspace) / "vibecoder_workspace/metadata/providers.json"

    def change(**changes: ProviderChange | None) -> dict[str, ProviderView]:
        return client.call(SetProviders(workspace=info.workspace, changes=changes), Providers).providers

    assert ProviderView(enabled=False, auth_type=AuthType.API_KEY) == change(claude=ProviderChange(enabled=False))["claude"]
    assert json.loads(file.read_text())["claude"]["auth"]["value"].startswith("\0hostel1:")
    assert "sk-sentinel-1" not in file.read_text()
    token = ProviderAuth(AuthType.SETUP_TOKEN, Secret("sk-sentinel-2"))
    assert ProviderView(enabled=False, auth_type=AuthType.SETUP_TOKEN) == change(claude=ProviderChange(auth=token))["claude"]
    assert ProviderView(enabled=False, auth_type=None) == change(claude=ProviderChange(auth=None))["claude"]
    assert {"claude"} == change(codex=None).keys()
    assert change() == client.call(GetProviders(workspace=info.workspace), Providers).providers
    before = file.read_bytes()
    for wrong, code in (("", Code.BAD_REQUEST), ("a\0b", Code.BAD_REQUEST), ("x" * 65_537, Code.TOO_LARGE)):
        changes: dict[str, ProviderChange | None] = {
            "claude": ProviderChange(auth=ProviderAuth(AuthType.API_KEY, Secret(wrong)))
        }
        assert code == code_of(client, SetProviders(workspace=info.workspace, changes=changes))
    assert Code.LIMIT == code_of(
        client, SetProviders(workspace=info.workspace, changes={f"p{n}": ProviderChange() for n in range(16)})
    )
    assert before == file.read_bytes()


def test_a_secret_is_verified_and_replaced(client: Client) -> None:
    first, second = Secret("hws_first"), Secret("hws_second")
    digest = [hashlib.sha256(secret.reveal().encode()).hexdigest() for secret in (first, second)]
    info = client.create(secret_hash=digest[0])
    client.call(VerifySecret(workspace=info.workspace, secret=first), Done)
    assert Code.UNAUTHORIZED == code_of(client, VerifySecret(workspace=info.workspace, secret=second))
    client.call(SetSecret(workspace=info.workspace, secret_hash=digest[1]), Done)
    client.call(VerifySecret(workspace=info.workspace, secret=second), Done)
    assert Code.UNAUTHORIZED == code_of(client, VerifySecret(workspace=info.workspace, secret=first))
    assert Code.UNAUTHORIZED == code_of(client, VerifySecret(workspace=new_workspace_id(), secret=first))


def test_an_invite_is_good_once_for_one_of_many(hostd: Hostd, client: Client) -> None:
    invite = client.call(CreateInvite(), Invite)
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(hostd.client(uid=hostd.account().pw_uid)) for _ in range(50)]
        for caller in callers:
            caller.send(RedeemInvite(id=1, token=invite.token))
        answers = [caller.receive() for caller in callers]
    assert [Redeemed(id=1, role="admin")] == [answer for answer in answers if isinstance(answer, Redeemed)]
    assert 49 == sum(isinstance(answer, Failure) and answer.code is Code.UNAUTHORIZED for answer in answers)


def test_every_verb_that_does_something_leaves_a_record_without_secrets_and_no_thread(hostd: Hostd, client: Client) -> None:
    """The whole table is called; then every log and every file that hostd wrote beside the homes is searched."""
    sentinels = [f"sentinel-{name}-{random.randrange(2**64):x}" for name in ("secret", "key", "token", "password")]
    info = client.create(providers={"claude": ProviderChange(auth=ProviderAuth(AuthType.API_KEY, Secret(sentinels[1])))})
    workspace = info.workspace
    invite = client.call(CreateInvite(lifetime=60), Invite)
    requests: list[Request] = [
        VerifySecret(workspace=workspace, secret=Secret(sentinels[0])),
        SetSecret(workspace=workspace, secret_hash="e" * 64),
        GetProviders(workspace=workspace),
        SetProviders(
            workspace=workspace, changes={"codex": ProviderChange(auth=ProviderAuth(AuthType.API_KEY, Secret(sentinels[1])))}
        ),
        EnterWorkspace(workspace=workspace),
        ShowWorkspace(workspace=workspace),
        ListWorkspaces(),
        Status(),
        RedeemInvite(token=invite.token),
        RedeemInvite(token=Secret(sentinels[2])),
        EnterWorkspace(workspace=workspace),  # it is open
        StopWorkspace(workspace=workspace),
        LockWorkspace(workspace=workspace),
        PurgeWorkspace(workspace=workspace),
        RestoreWorkspace(workspace=workspace),
        Authenticate(user="nobody", password=Secret(sentinels[3])),
        AppendAudit(events=[AuditEvent("create_session", "ok", Origin("u1", "ky1", "::1", "r1"), workspace)]),
        ReadAudit(),
        RotateMaster(),
        DeleteWorkspace(workspace=workspace),
    ]
    assert HOST.verbs.keys() == {"create_workspace", "create_invite", *(snake(type(request).__name__) for request in requests)}
    begun = hostd.audit()[-1]["seq"] - 2
    for request in requests:
        with contextlib.suppress(Fault):
            client.call(request, Reply)
    lines = [line for line in hostd.audit() if line["seq"] > begun]
    told = [verb.name for verb in HOST.verbs.values() if verb.audit is not None]
    assert {*told, "create_session"} == {line["action"] for line in lines}
    assert 1 == sum(line["action"] == "enter_workspace" for line in lines)
    assert all({"seq", "time", "source", "outcome", "mac"} <= line.keys() for line in lines)
    assert {"api"} == {line["source"] for line in lines if line["action"] == "create_session"}
    wrong = next(line for line in lines if line["action"] == "verify_secret")
    assert {"workspace": workspace, "outcome": "unauthorized", "source": "0"}.items() <= wrong.items()
    assert {"target": "lifetime=60", "outcome": "ok"}.items() <= lines[1].items()
    verdict = verify(hostd.state / "hostd/audit", key_of((hostd.state / "hostd/audit.key").read_bytes()))
    assert [] == verdict.findings
    files = [path for path in (hostd.state / "hostd").rglob("*") if path.is_file()]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files if "audit" in str(path)}
    written = b"".join(path.read_bytes() for path in (hostd.log, *files))
    for secret in (*sentinels, invite.token.reveal()):
        assert secret.encode() not in written
    assert ["1"] == [
        line.split()[1] for line in Path(f"/proc/{hostd.pid}/status").read_text().splitlines() if line.startswith("Threads")
    ]
    assert [str(hostd.pid)] == os.listdir(f"/proc/{hostd.pid}/task")


def test_a_socket_from_systemd_is_taken_and_the_watchdog_is_told() -> None:
    with Hostd() as hostd, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        hostd.stop()
        hostd.socket.unlink(missing_ok=True)
        listener.bind(str(hostd.socket))
        listener.listen()
        inode = os.fstat(listener.fileno()).st_ino
        become = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', "
        become += "WATCHDOG_USEC='100000', WATCHDOG_PID=str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])"
        command = [sys.executable, "-I", "-m", "hostd", "--config", str(hostd.config)]
        hostd.start([sys.executable, "-c", become, str(listener.fileno()), *command], pass_fds=(listener.fileno(),))
        hostd.notices.settimeout(DEADLINE)
        assert {b"WATCHDOG=1"} == {hostd.notices.recv(100) for _ in range(5)}
        with hostd.client() as client:
            client.call(Status(), HostStatus)
        assert f"socket:[{inode}]" == os.readlink(f"/proc/{hostd.pid}/fd/3")
        assert 0 == hostd.stop()
        assert b"STOPPING=1" in drain(hostd.notices)


def drain(sock: socket.socket) -> Iterator[bytes]:
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.recv(100)


def test_memory_stays_within_the_budget(hostd: Hostd) -> None:
    assert resident(hostd) <= 30 * 1024
