import asyncio
import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from shared import guestwire as wire
from shared import rooms
from shared.errors import Code, Fault
from shared.ids import new_session_id
from shared.rooms import GitAuth, GitAuthType, SessionStatus
from shared.secret import Secret
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Guest, git, repository
from tests.guest.servers import git_daemon, https, silent

TOKEN = "sentinel-token-5f1c"


def _auth(value: str = TOKEN, username: str | None = None) -> GitAuth:
    return GitAuth(GitAuthType.TOKEN, Secret(value), username)


def _repo(guest: Guest, session: str) -> Path:
    return guest.sessions / session / "repo"


async def _clone(guest: Guest, url: str, ref: str | None = None, auth: GitAuth | None = None) -> rooms.SessionInfo:
    return await guest.settled((await guest.session(repo_url=url, ref=ref, auth=auth)).session)


async def test_a_session_without_a_repository_is_an_empty_one_on_main(guest: Guest) -> None:
    info = await guest.session()
    assert SessionStatus.READY == info.status
    assert "refs/heads/main" == git("symbolic-ref", "HEAD", cwd=_repo(guest, info.session))


async def test_a_clone_is_made_and_its_progress_told(guest: Guest, bare: Path) -> None:
    watcher = await guest.client()
    await watcher.call(wire.watch.Watch())
    info = await _clone(guest, f"file://{bare}")
    assert (SessionStatus.READY, None, None) == (info.status, info.error, info.progress)
    assert "two\n" == (_repo(guest, info.session) / "README").read_text()
    assert "main" == git("branch", "--show-current", cwd=_repo(guest, info.session))
    phases, statuses = set(), []
    while SessionStatus.READY not in statuses:
        session = (await watcher.expect(wire.watch.SessionChanged)).session
        statuses.append(session.status)
        phases |= {session.progress.phase} if session.progress else set()
    assert SessionStatus.CLONING == statuses[0]
    assert phases


@pytest.mark.parametrize(
    ("ref", "branch", "file"), [("topic", "topic", "topic"), ("main", "main", "README"), ("v1", "", "README")]
)
async def test_a_ref_is_a_branch_or_a_tag(guest: Guest, bare: Path, ref: str, branch: str, file: str) -> None:
    info = await _clone(guest, f"file://{bare}", ref)
    repo = _repo(guest, info.session)
    assert (SessionStatus.READY, ref) == (info.status, info.ref)
    assert branch == git("branch", "--show-current", cwd=repo)
    assert git("rev-parse", f"{ref}^{{commit}}", cwd=bare) == git("rev-parse", "HEAD", cwd=repo)
    assert (repo / file).exists()
    if branch:
        assert f"origin/{ref}" == git("rev-parse", "--abbrev-ref", "@{upstream}", cwd=repo)


async def test_a_ref_is_a_commit_even_one_that_no_branch_leads_to(guest: Guest, bare: Path) -> None:
    git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=bare)
    lost = git("commit-tree", "-m", "lost", "main^{tree}", cwd=bare)
    for commit in (git("rev-parse", "v1^{commit}", cwd=bare), lost):
        info = await _clone(guest, f"file://{bare}", commit)
        assert (SessionStatus.READY, None) == (info.status, info.error)
        assert commit == git("rev-parse", "HEAD", cwd=_repo(guest, info.session))


async def test_an_empty_repository_can_be_cloned(guest: Guest, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", "empty.git", cwd=tmp_path)
    assert SessionStatus.READY == (await _clone(guest, f"file://{tmp_path}/empty.git")).status


@pytest.mark.parametrize("ref", ["nothing", "0" * 40])
async def test_a_ref_that_is_not_there_is_an_error_and_leaves_no_clone(guest: Guest, bare: Path, ref: str) -> None:
    info = await _clone(guest, f"file://{bare}", ref)
    assert (SessionStatus.ERROR, f"the repository has no branch, tag or commit `{ref}`") == (info.status, info.error)
    assert not _repo(guest, info.session).exists()


async def test_git_s_reason_is_told(guest: Guest, tmp_path: Path) -> None:
    info = await _clone(guest, f"file://{tmp_path}/nothing.git")
    assert SessionStatus.ERROR == info.status
    assert info.error
    assert "does not appear to be a git repository" in info.error or "does not exist" in info.error
    assert len(info.error) < 2000
    with pytest.raises(Fault, match="not_ready"):
        await guest.terminal(session=info.session)


async def test_git_s_own_protocol_works(guest: Guest, bare: Path) -> None:
    with git_daemon(bare.parent) as url:
        assert SessionStatus.READY == (await _clone(guest, f"{url}/{bare.name}", "topic")).status


async def test_https_works_with_a_token_that_nothing_shows(guest: Guest, bare: Path, tmp_path: Path) -> None:
    with https(bare.parent, f"x-access-token:{TOKEN}", tmp_path / "tls", hang=True) as server:
        _trust(guest, server.ca)
        session = (await guest.session(repo_url=f"{server.url}/{bare.name}", auth=_auth())).session
        assert await asyncio.to_thread(server.hanging.wait, 20)
        assert [] == _processes_that_show(TOKEN)
        assert [] == _files_that_hold(guest.home, TOKEN)
        server.release.set()
        info = await guest.settled(session)
    assert (SessionStatus.READY, None) == (info.status, info.error), info.error
    assert {f"x-access-token:{TOKEN}"} == set(server.seen)
    assert [] == _files_that_hold(guest.home, TOKEN)
    assert [] == list((guest.home / "tmp").iterdir())
    assert f"{server.url}/{bare.name}" == git("remote", "get-url", "origin", cwd=_repo(guest, session))


def _trust(guest: Guest, ca: Path) -> None:
    # The tenant's helper would keep what it is told: it must not be.
    (guest.home / ".gitconfig").write_text(f"[http]\n\tsslCAInfo = {ca}\n[credential]\n\thelper = store\n")


def _processes_that_show(text: str) -> list[str]:
    shown = []
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            try:
                content = path.read_bytes()
            except OSError:
                continue
            if text.encode() in content:
                shown.append(f"{path}: {content!r}")
    return shown


def _files_that_hold(folder: Path, text: str) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if text.encode() in path.read_bytes()]


async def test_a_wrong_token_is_an_error_that_does_not_show_it(guest: Guest, bare: Path, tmp_path: Path) -> None:
    with https(bare.parent, "me:right", tmp_path / "tls") as server:
        _trust(guest, server.ca)
        info = await _clone(guest, f"{server.url}/{bare.name}", auth=_auth(username="me"))
        assert {f"me:{TOKEN}"} == set(server.seen)
    assert SessionStatus.ERROR == info.status
    assert info.error
    assert "Authentication failed" in info.error
    assert TOKEN not in info.error
    assert TOKEN not in guest.log()


async def test_without_a_token_it_fails_rather_than_ask(guest: Guest, bare: Path, tmp_path: Path) -> None:
    with https(bare.parent, "me:right", tmp_path / "tls") as server:
        _trust(guest, server.ca)
        info = await _clone(guest, f"{server.url}/{bare.name}")
    assert info.error
    assert "terminal prompts disabled" in info.error


async def test_a_redirect_does_not_carry_the_token_to_another_server(guest: Guest, bare: Path, tmp_path: Path) -> None:
    with (
        https(bare.parent, f"x-access-token:{TOKEN}", tmp_path / "tls") as thief,
        https(bare.parent, "", tmp_path / "tls2", redirect=thief.url) as server,
    ):
        both = tmp_path / "both.pem"
        both.write_text(thief.ca.read_text() + server.ca.read_text())
        _trust(guest, both)
        info = await _clone(guest, f"{server.url}/{bare.name}", auth=_auth())
        assert [] == thief.seen
    assert SessionStatus.ERROR == info.status


async def test_ssh_gets_a_key_that_is_nowhere_on_the_disk(make_guest: MakeGuest, bare: Path, tmp_path: Path) -> None:
    """The server's side is played by a program named ssh, which checks its key with ssh-keygen as ssh does."""
    key, folder = tmp_path / "key", tmp_path / "bin"
    folder.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    program = folder / "ssh"
    program.write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$@" > {tmp_path}/argv\n'
        'while [ "$1" != -i ]; do shift; done\n'
        f'ssh-keygen -y -f "$2" > {tmp_path}/public || exit 1\n'
        f'for o in "$@"; do case $o in UserKnownHostsFile=*) cat "${{o#*=}}" > {tmp_path}/known;; esac; done\n'
        'exec /bin/sh -c "${@: -1}"\n'
    )
    program.chmod(0o755)
    guest = make_guest()
    guest.kill()
    guest.path = f"{folder}:{guest.path}"
    guest.start()
    known = "example.org ssh-ed25519 AAAA"
    auth = GitAuth(GitAuthType.SSH_KEY, Secret(key.read_text()), known_hosts=known)
    info = await _clone(guest, f"git@example.org:{bare}", auth=auth)
    assert (SessionStatus.READY, None) == (info.status, info.error)
    assert key.with_suffix(".pub").read_text().split()[1] == (tmp_path / "public").read_text().split()[1]
    assert known + "\n" == (tmp_path / "known").read_text()
    argv = (tmp_path / "argv").read_text().split("\n")
    assert ["-o", "BatchMode=yes", "-F", "none", "-i"] == argv[:5]
    assert {"IdentitiesOnly=yes", "StrictHostKeyChecking=yes", "IdentityAgent=none"} < set(argv)
    assert [] == _files_that_hold(guest.home, "PRIVATE KEY")


REFUSED = [
    *(
        "--upload-pack=touch${IFS}x",
        "-oProxyCommand=x",
        "ext::sh",
        "https://-x/a",
        "git@-oProxyCommand=x:a",
        "/etc",
        "http://localhost/a",
    ),
    *("https://user:hush@localhost/a", "ssh://-oProxyCommand=x/a", "ftp://localhost/a"),
]


@pytest.mark.parametrize("url", REFUSED)
async def test_a_refused_address_spawns_nothing(guest: Guest, url: str) -> None:
    client = await guest.client()
    with pytest.raises(Fault) as raised:
        await client.call(wire.sessions.CreateSession(session=new_session_id(), name="x", repo_url=url))
    assert Code.BAD_REQUEST == raised.value.code
    assert "hush" not in raised.value.message
    assert [] == list(guest.sessions.iterdir())
    assert "" == Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text()


@pytest.mark.parametrize(
    ("url", "auth"),
    [
        ("ssh://localhost/a", _auth()),
        ("git://localhost/a", _auth()),
        ("https://localhost/a", _auth("")),
        ("https://localhost/a", _auth("a\nb")),
        ("https://localhost/a", _auth("x" * 40_000)),
        ("https://localhost/a", GitAuth(GitAuthType.SSH_KEY, Secret("-----BEGIN OPENSSH PRIVATE KEY-----"))),
        ("ssh://localhost/a", GitAuth(GitAuthType.SSH_KEY, Secret("nonsense"))),
        (None, _auth()),
    ],
)
async def test_a_credential_that_does_not_fit_is_refused(guest: Guest, url: str | None, auth: GitAuth) -> None:
    client = await guest.client()
    with pytest.raises(Fault, match="auth") as raised:
        await client.call(wire.sessions.CreateSession(session=new_session_id(), name="x", repo_url=url, auth=auth))
    assert Code.BAD_REQUEST == raised.value.code


async def test_file_is_refused_unless_the_settings_allow_it(make_guest: MakeGuest, bare: Path) -> None:
    guest = make_guest(git_protocols=["https"])
    with pytest.raises(Fault, match="`file` is not allowed"):
        await guest.session(repo_url=f"file://{bare}")


async def test_nothing_of_a_hostile_repository_runs(guest: Guest, tmp_path: Path) -> None:
    bare = repository(tmp_path / "upstream")
    work, mark = tmp_path / "upstream" / "work", guest.home / "ran"
    evil = f"sh -c 'id -u >> {mark}'"
    (work / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (work / ".gitconfig").write_text(f'[core]\n\tfsmonitor = {evil}\n[filter "evil"]\n\tsmudge = {evil}\n')
    (work / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = ext::{evil}\n\tupdate = !{evil}\n')
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", "evil", cwd=work)
    git("push", "--quiet", str(bare), "main", cwd=work)
    for name in ("post-checkout", "post-merge", "pre-receive", "post-upload-pack"):
        _script(bare / "hooks" / name, evil)
    git("config", "core.fsmonitor", evil, cwd=bare)
    git("config", "filter.evil.smudge", evil, cwd=bare)
    git("config", "uploadpack.packObjectsHook", evil, cwd=bare)
    info = await _clone(guest, f"file://{bare}")
    assert (SessionStatus.READY, None) == (info.status, info.error)
    repo = _repo(guest, info.session)
    for name in ("post-checkout", "post-commit", "reference-transaction"):
        _script(repo / ".git" / "hooks" / name, evil)
    git("config", "core.fsmonitor", evil, cwd=repo)
    client = await guest.client()
    request = wire.sessions.CreateWorktree(session=info.session, worktree="wt" + "1" * 24, name="x", branch="new", start="HEAD")
    await client.call(request)
    await client.call(wire.sessions.ListWorktrees(session=info.session))
    await client.call(wire.sessions.RemoveWorktree(session=info.session, worktree=request.worktree))
    assert not mark.exists()


def _script(path: Path, line: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


async def test_a_clone_that_takes_too_long_is_ended_with_all_its_processes(make_guest: MakeGuest) -> None:
    guest = make_guest(clone_timeout=1)
    with silent() as port:
        info = await _clone(guest, f"git://127.0.0.1:{port}/x")
    assert (SessionStatus.ERROR, "git took more than 1 seconds") == (info.status, info.error)
    assert "" == Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text()


async def test_deleting_a_session_ends_its_clone(guest: Guest) -> None:
    with silent() as port:
        session = (await guest.session(repo_url=f"git://127.0.0.1:{port}/x")).session
        client = await guest.client()
        await client.call(wire.sessions.DeleteSession(session=session))
    assert [] == list(guest.sessions.iterdir())
    assert "" == Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text()


async def test_a_clone_that_a_crash_interrupted_is_an_error_afterwards(guest: Guest) -> None:
    with silent() as port:
        session = (await guest.session(repo_url=f"git://127.0.0.1:{port}/x", ref="main")).session
        children = Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text().split()
        guest.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):  # git ends by itself when nobody reads its progress
                os.killpg(int(child), 9)
        guest.start()
        info = await (await guest.client()).call(wire.sessions.GetSession(session=session))
    assert (SessionStatus.ERROR, "interrupted", "main") == (info.status, info.error, info.ref)
