"""The registry as a workspace can use it, and how its agents start."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from guest.agents.agents import Agents
from guest.room import Room
from shared.errors import Code, Fault
from shared.turns import Auth
from tests.guest.driving import ACP, CLAUDE, Listener, lives

HEAVY = ("acp", "pydantic", "guest.drivers.acp", "hashlib", "shutil")
KEY = "sk-ant-0123456789-0123456789"


def credential(value: str, kind: str = "api_key") -> dict[str, str]:
    return {"type": kind, "value": value}


class Home:
    """A tenant's home, and the settings of its guest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.agents: dict[str, Any] = {}
        self.folder = path / "programs"
        (path / "vibecoder_workspace").mkdir(parents=True)

    def has(self, **providers: dict[str, str] | None) -> None:
        """As hostd writes it: another file in its place."""
        target = self.path / "vibecoder_workspace" / "providers.json"
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(providers))
        draft.replace(target)

    def add(self, name: str, **fields: Any) -> None:  # noqa: ANN401  # as in the file
        self.agents[name] = {"title": name.title(), "command": ACP} | fields

    def room(self) -> Room:
        registry = {"settings": {"folder": str(self.folder)}, "agents": self.agents}
        return Room.from_environment(
            {
                "HOSTEL_GUEST": "{}",
                "HOSTEL_AGENTS": msgspec.json.encode(registry).decode(),
                "HOSTEL_WORKSPACE": f"w{os.urandom(12).hex()}",
                "HOME": str(self.path),
                "USER": "tenant",
                "LOGNAME": "tenant",
                "PATH": "/usr/bin:/bin",
                "TMPDIR": str(self.path / "tmp"),
                "SECRET_OF_THE_GUEST": "x",
            }
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def said(agents: Agents, name: str, script: str, cwd: Path) -> str:
    """What an agent says to a prompt."""
    sink = Listener()
    driver = await agents.launch(name, cwd, None, sink)
    try:
        await driver.start()
        await driver.prompt(script, [])
    finally:
        await driver.close()
    return sink.said


async def test_an_agent_gets_its_own_providers_key_and_no_other(home: Home) -> None:
    """Nor anything else of the guest's environment."""
    home.add("one", provider="first", auth={"api_key": {"env": "FIRST_KEY"}}, env={"FLAG": "{folder}/x"})
    home.add("two", provider="second", auth={"api_key": {"env": "SECOND_KEY"}})
    home.has(first=credential("k1"), second=credential("k2"))
    names = ("FIRST_KEY", "SECOND_KEY", "FLAG", "SECRET_OF_THE_GUEST", "HOSTEL_AGENTS", "USER")
    script = "".join(f"env {name}\nsay ;\n" for name in names)
    text = await said(Agents(home.room()), "one", script, home.path)
    expected = ("k1", None, f"{home.folder}/x", None, None, "tenant")
    assert "".join(f"{name}={value};" for name, value in zip(names, expected, strict=True)) == text


async def test_both_drivers_are_launched_by_their_name(home: Home) -> None:
    """In the folder that was named."""
    home.add("acp")
    home.add("claude", driver="claude", command=CLAUDE)
    agents = Agents(home.room())
    assert str(home.path) == await said(agents, "acp", "cwd", home.path)
    assert "hi" == await said(agents, "claude", "say hi", home.path)


async def test_a_change_of_the_credential_holds_for_the_next_launch(home: Home) -> None:
    """Without a new guest."""
    home.add("one", provider="first", auth={"api_key": {"env": "FIRST_KEY"}})
    agents = Agents(home.room())
    assert "FIRST_KEY=None" == await said(agents, "one", "env FIRST_KEY", home.path)
    home.has(first=credential("k1"))
    assert "FIRST_KEY=k1" == await said(agents, "one", "env FIRST_KEY", home.path)


def test_what_is_told_of_an_agent_says_what_is_in_its_way(home: Home) -> None:
    """Installed, signed in, switched off."""
    api_key = {"api_key": {"env": "K"}}
    home.add("ready", provider="a", auth=api_key, models=["m"])
    home.add("missing", provider="b", auth=api_key)
    home.add("disabled", provider="c", auth=api_key)
    home.add("wrong", provider="d", auth=api_key)
    home.add("absent", command=["{folder}/none/bin/none"])
    home.add("free")
    home.has(a=credential("k"), c=None, d=credential("k", "setup_token"))
    infos = {info.agent: info for info in Agents(home.room()).info()}
    assert list(home.agents) == list(infos)
    expected = {"ready": Auth.READY, "missing": Auth.MISSING, "disabled": Auth.DISABLED, "wrong": Auth.MISSING}
    assert expected == {name: infos[name].auth for name in expected}
    assert [True] * 4 + [False, True] == [info.installed for info in infos.values()]
    assert "m" == infos["ready"].models[0].id
    assert infos["ready"].reason is None
    assert "Wrong cannot use a credential of the type setup_token" == infos["wrong"].reason
    assert "Absent is not installed on this host" == infos["absent"].reason


@pytest.mark.parametrize(
    ("name", "code"),
    [("nobody", Code.NOT_FOUND), ("absent", Code.NOT_READY), ("off", Code.FORBIDDEN), ("broken", Code.BAD_REQUEST)],
)
async def test_an_agent_that_cannot_be_used_is_a_clear_fault(home: Home, name: str, code: Code) -> None:
    """And no process."""
    home.add("absent", command=["/nonexistent"])
    home.add("off", provider="off")
    home.add("broken", provider="broken", auth={"auth_json_b64": {"file": ".broken.json"}})
    home.has(off=None, broken=credential("%%%", "auth_json_b64"))
    with pytest.raises(Fault) as caught:
        await Agents(home.room()).launch(name, home.path, None, Listener())
    assert code is caught.value.code
    assert "%%%" not in caught.value.message
    assert not (home.path / ".broken.json").exists()


async def test_a_later_guest_ends_what_an_earlier_one_has_left(home: Home) -> None:
    """Of its own workspace, and nothing of what it has started itself."""
    home.add("one")
    room, other = home.room(), home.room()
    stopped: list[Listener] = []
    drivers = []
    for agents in (Agents(room), Agents(other)):
        stopped.append(Listener())
        driver = await agents.launch("one", home.path, None, stopped[-1])
        await driver.start()
        await driver.prompt("fork", [])
        drivers.append(driver)
    old, foreign = (int(listener.said.split()[1]) for listener in stopped)
    later = Agents(room)
    own = await later.launch("one", home.path, None, Listener())
    await own.start()
    await later.end_leftovers()
    assert [False, True, True] == [lives(old), lives(foreign), own.alive]
    for driver in (*drivers, own):
        await driver.close()
    assert not lives(foreign)


def test_a_guest_that_has_started_no_agent_has_loaded_none_of_it() -> None:
    """The libraries behind the drivers are most of a second, and as much memory as all the rest."""
    code = f"import sys, guest.agents; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == result.stdout


async def test_a_refresh_without_a_change_takes_less_than_a_millisecond(home: Home) -> None:
    """It comes before each terminal."""
    for number in range(5):
        home.add(f"agent{number}", provider="first", auth={"api_key": {"env": "K"}})
    home.has(first=credential("k"))
    agents = Agents(home.room())
    agents.refresh(home.path)
    clock = asyncio.get_running_loop().time
    times = []
    for _ in range(50):
        began = clock()
        agents.refresh(home.path)
        times.append(clock() - began)
    assert sorted(times)[25] < 0.001
