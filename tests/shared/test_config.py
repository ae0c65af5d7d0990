"""The configuration file: every wrong key is an error that names it."""

from pathlib import Path

import pytest

from shared.agents import BUILT_IN
from shared.config import Config, ConfigError, load

PROVIDER = "[auth.provider.x]\ntitle = 'X'\nclient_id = 'a'\nclient_secret = 'b'\n"
WRONG = {
    "x = 1": "line 1: x: unknown key",
    "[api]\nprot = 1": "line 2: api.prot: unknown key",
    "[api]\nport = 65536": "line 2: api.port: expected `int` <= 65535",
    "[api]\nport = '80'": "api.port",
    "[api]\ncreate_workspaces = 'everyone'": "api.create_workspaces",
    "[guest]\nring = 1": "guest.ring",
    "[guest]\ngit_protocols = ['ext']": "guest.git_protocols",
    "[guest]\nsession_idle = -1": "guest.session_idle",
    "[guest]\nsession_retention = inf": "guest.session_retention",
    "[guest]\nworkspace_lifetime = nan": "guest.workspace_lifetime",
    "[guest]\ndeadline_warning = '5m'": "guest.deadline_warning",
    "[guest]\nworkspace_bytes = -1": "guest.workspace_bytes",
    "[hostd]\nuid_first = 0": "hostd.uid_first",
    "[hostd]\nuid_first = 300000\nuid_last = 200000": "line 2: hostd.uid_first: is greater",
    "[hostd]\nrequire = ['magic']": "hostd.require",
    "state = 'relative'": "state",
    "state = '/a/../b'": "..",
    "state = '/tmp/x'": "/tmp",
    "run = '/var/tmp/x'": "/tmp",
    f"run = '/{'x' * 90}'": "too long",
    "user = 'Root!'": "user",
    "a = [": "Invalid value",
    "[agents]\nturns = 0": "agents.turns",
    "[agents]\nfolder = 'relative'": "agents.folder",
    "[agents]\nfolder = '/tmp/agents'": "agents.folder",
    "[agents]\nfolder = '/opt/../tmp'": "agents.folder",
    "[agents]\npermission_default = 'perhaps'": "agents.permission_default",
    "[agents]\ndefault = 'nobody'": "line 2: agents.default: names nobody",
    "[agents]\ndefault = 'codex'\n[agent.codex]\nenabled = false": "line 2: agents.default: names codex",
    "[agent.Mine]\ntitle = 'Mine'": "agent",
    "[agent.mine]\ntitle = 'Mine'": "line 1: agent.mine: needs the key `command`",
    "[agent.mine]\ntitle = 'Mine'\ncommand = []": "line 3: agent.mine.command: ",
    "[agent.claude]\ncomand = ['x']": "line 2: agent.claude.comand: unknown key",
    "[agent.claude]\nenv = {'A-B' = 'x'}": "line 2: agent.claude.env: ",
    "[agent.claude]\nenv = ['x']": "line 2: agent.claude.env: expected `object`",
    "[agent.claude]\ndriver = 'telepathy'": "line 2: agent.claude.driver: ",
    "[agent.claude]\nauth = {api_key = {file = '/etc/passwd'}}": "line 2: agent.claude.auth.api_key.file: ",
    "[agent.claude]\nauth = {api_key = {file = '../x'}}": "line 2: agent.claude.auth.api_key.file: ",
    "agent = {claude = 1}": "line 1: agent.claude: expected `object`",
    "[api.rate_limits]\nlogin = 'often'": "line 2: api.rate_limits.login: ",
    "[api.rate_limits]\nmint = '0/minute'": "line 2: api.rate_limits.mint: ",
    "[api]\npublic_url = 'hostel.example'": "line 2: api.public_url: ",
    "[auth]\nprovider = 'x'": "line 2: auth.provider: ",
    "[auth.provider.x]\ntitle = 'X'": "line 1: auth.provider.x: needs the key `client_id`",
    PROVIDER: "line 1: auth.provider.x: needs server_metadata_url, or all of",
    PROVIDER
    + "server_metadata_url = 'https://a/'\ntoken_url = 'https://a/'": "line 1: auth.provider.x: has server_metadata_url",
    PROVIDER
    + "server_metadata_url = 'https://a/'\nclient_secret_file = '/f'": "line 1: auth.provider.x: needs one of client_secret",
    PROVIDER + "server_metadata_url = 'ftp://a/'": "line 5: auth.provider.x.server_metadata_url: ",
    "[auth.pam]\ngroup = 'a b'": "line 2: auth.pam.group: ",
    "[provisioner.gitea]\nurl = 'https://a'": "line 1: provisioner.gitea: needs the key `token_file`",
    "[hostd]\naudit_files = 1": "line 2: hostd.audit_files: ",
    "[tasks]\nrunning = 0": "line 2: tasks.running: ",
    "[limits]\nkeys = 0": "line 2: limits.keys: ",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_an_error_that_says_where(text: str, tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"hostel\.toml: ") as caught:
        load(file)
    assert WRONG[text] in str(caught.value)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_text("")
    assert Config() == load(file)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "absent.toml")


def test_a_file_that_is_not_utf8_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(file)


def test_an_agent_can_be_added_by_configuration_alone(tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_text("[agent.mine]\ntitle = 'Mine'\ncommand = ['/opt/mine', '--acp']\n")
    assert ["/opt/mine", "--acp"] == load(file).registry.agents["mine"].command


def test_a_section_of_a_known_agent_changes_what_it_names_and_adds_to_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "hostel.toml"
    file.write_text(
        "[agent.codex]\ntitle = 'Ours'\nenv = {A = '1', INITIAL_AGENT_MODE = 'read-only'}\n[agent.gemini]\nenabled = false\n"
    )
    agents = load(file).registry.agents
    assert ("Ours", BUILT_IN["codex"].command) == (agents["codex"].title, agents["codex"].command)
    assert {**BUILT_IN["codex"].env, "A": "1", "INITIAL_AGENT_MODE": "read-only"} == agents["codex"].env
    assert "gemini" not in agents
