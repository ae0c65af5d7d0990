"""Secrets in an agent's environment, beside what signs it in."""

from pathlib import Path

import pytest

from guest.agents.agents import Agents
from shared.secret import Secret
from tests.guest.agents.test_agents import Home, credential
from tests.guest.driving import Listener


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def environment(agents: Agents, home: Home, secrets: dict[str, str], *names: str) -> str:
    sink = Listener()
    driver = await agents.launch("one", home.path, None, sink, {name: Secret(value) for name, value in secrets.items()})
    try:
        await driver.start()
        await driver.prompt("\n".join(f"env {name}" for name in names), [])
    finally:
        await driver.close()
    return sink.said


async def test_what_signs_an_agent_in_wins_and_without_it_a_secret_may(home: Home) -> None:
    home.add("one", provider="first", auth={"api_key": {"env": "FIRST_KEY"}}, env={"FLAG": "ours"})
    given = {"FIRST_KEY": "secret", "FLAG": "secret", "OTHER": "secret", "HOSTEL_AGENT": "secret"}
    agents = Agents(home.room())
    assert "FIRST_KEY=secretFLAG=oursOTHER=secret" == await environment(agents, home, given, "FIRST_KEY", "FLAG", "OTHER")
    home.has(first=credential("provider"))
    assert "FIRST_KEY=provider" == await environment(agents, home, given, "FIRST_KEY")
    assert "HOSTEL_AGENT=secret" != await environment(agents, home, given, "HOSTEL_AGENT")


async def test_the_longer_of_two_secrets_is_masked_as_a_whole(home: Home) -> None:
    home.add("one", provider="first", auth={"api_key": {"env": "FIRST_KEY"}})
    home.has(first=credential("0123456789"))
    sink = Listener()
    secrets = {"LONG": Secret("0123456789-and-more"), "SHORT": Secret("1234567"), "LINE": Secret("padded-secret\n")}
    driver = await Agents(home.room()).launch("one", home.path, None, sink, secrets)
    try:
        await driver.start()
        await driver.prompt("stderr 0123456789-and-more 0123456789 1234567 padded-secret\nsay over", [])
    finally:
        await driver.close()
    assert "**** **** 1234567 ****\n" == driver.stderr
