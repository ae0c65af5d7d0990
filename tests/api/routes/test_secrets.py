"""Secrets: nobody reads them, and the programs of chosen sessions have them."""

import secrets as chance
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from api.secrets import SESSIONS_MAX, VALUE_MAX
from api.tables import secrets as table
from shared.ids import new_session_id
from shared.rooms import SECRETS_BYTES_MAX
from tests.api.rooms import Room, Rooms

VALUE = "s3cret-" + "v" * 20


async def put(room: Room, name: str, value: str = VALUE, *, status: int = 201, **fields: object) -> Any:  # noqa: ANN401  # JSON
    return await room.call("PUT", f"{room.base}/secrets/{name}", {"value": value, **fields}, status=status)


async def answered(room: Room, session: str, text: str) -> dict[str, Any]:
    """A turn, once it has ended."""
    path = f"{room.base}/sessions/{session}/prompt"
    return dict(await room.call("POST", path, {"text": text}, status=201, Prefer="wait=30"))


async def said(room: Room, session: str, text: str) -> str:
    """What the agent says to a prompt."""
    turn = await answered(room, session, text)
    assert "completed" == turn["status"], turn
    path = f"{room.base}/sessions/{session}/events?limit=500&after={turn['firstEvent'] - 1}"
    page = await room.call("GET", path, status=200)
    return "".join(event["text"] for event in page["items"] if event["type"] == "message")


async def printed(room: Room, session: str, script: str) -> str:
    """What a shell prints."""
    output = b""
    async with room.connect(await room.terminal(session, "/bin/sh", "-c", script)) as ws:
        async for message in ws:
            if isinstance(message.data, bytes):
                output += message.data
            elif '"exit"' in message.data:
                break
    return output.decode().replace("\r\n", "\n")


async def test_a_secret_is_shown_without_its_value(room: Room) -> None:
    session = new_session_id()
    made = await put(room, "TOKEN")
    again = await put(room, "TOKEN", "other", status=200, sessions=[session, session])
    assert ("TOKEN", None, 1) == (made["name"], made["sessions"], made["version"])
    assert ([session], 2, made["createdAt"]) == (again["sessions"], again["version"], again["createdAt"])
    assert again == await room.call("GET", f"{room.base}/secrets/TOKEN", status=200)
    await put(room, "A_TOKEN")
    listed = await room.call("GET", f"{room.base}/secrets", status=200)
    assert ["A_TOKEN", "TOKEN"] == [item["name"] for item in listed["items"]]
    assert {"name", "sessions", "createdAt", "updatedAt", "version"} == set(listed["items"][0])
    await room.call("DELETE", f"{room.base}/secrets/TOKEN", status=204)
    await room.call("DELETE", f"{room.base}/secrets/TOKEN", status=404)
    await room.call("GET", f"{room.base}/secrets/TOKEN", status=404)


async def test_programs_of_chosen_sessions_have_it(room: Room) -> None:
    one, two = await room.session(), await room.session()
    await put(room, "ALL", "for all\nof them")
    await put(room, "ONE", "for one", sessions=[one, new_session_id()])
    await put(room, "NONE", "for none", sessions=[])
    script = 'echo "$ALL|$ONE|${NONE-unset}"'
    assert "for all\nof them|for one|unset\n" == await printed(room, one, script)
    assert "for all\nof them||unset\n" == await printed(room, two, script)
    assert "ALL=for all\nof themONE=for oneNONE=None" == await said(room, one, "env ALL\nenv ONE\nenv NONE")
    assert "ALL=for all\nof themONE=NoneNONE=None" == await said(room, two, "env ALL\nenv ONE\nenv NONE")


async def test_an_agent_is_started_again_when_they_have_changed_and_only_then(room: Room) -> None:
    session = await room.session()
    first = await said(room, session, "pid")
    assert first == await said(room, session, "pid")
    await put(room, "TOKEN", "one")
    second = await said(room, session, "pid\nenv TOKEN")
    assert second.endswith("TOKEN=one")
    assert not second.startswith(first)
    assert second == await said(room, session, "pid\nenv TOKEN")
    await put(room, "OTHER", "x", sessions=[])
    assert second == await said(room, session, "pid\nenv TOKEN"), "it does not concern the session"
    await room.call("DELETE", f"{room.base}/secrets/TOKEN", status=204)
    third = await said(room, session, "pid\nenv TOKEN\nhistory")
    assert "TOKEN=None" in third
    assert "pid; pid" in third, "the conversation goes on"


async def test_to_choose_a_mode_starts_the_agent_with_them(room: Room) -> None:
    session = await room.session()
    await put(room, "TOKEN", "one")
    await room.call("PATCH", f"{room.base}/sessions/{session}/agents/fake", {"mode": "code"}, status=200)
    first = await said(room, session, "pid\nenv TOKEN")
    await room.call("PATCH", f"{room.base}/sessions/{session}/agents/fake", {"mode": "ask"}, status=200)
    assert first == await said(room, session, "pid\nenv TOKEN")
    assert first.endswith("TOKEN=one")


async def test_what_hostel_sets_wins(rooms: Rooms, room: Room) -> None:
    """Also when the store holds a name that is refused now."""
    session = await room.session()
    await put(room, "HOSTELX", "mine")
    rows = rooms.services.secrets
    for name in ("HOME", "TERM", "HOSTEL_SESSION"):
        await _smuggle(rooms, room, name)
    rows._known.clear()
    text = await printed(room, session, 'echo "$HOME|$TERM|$HOSTEL_SESSION|$HOSTELX"')
    assert f"{rooms.folder / room.workspace}|xterm-256color|{session}|mine\n" == text
    assert f"HOME={rooms.folder / room.workspace}" == await said(room, session, "env HOME")


async def _smuggle(rooms: Rooms, room: Room, name: str) -> None:
    services = rooms.services
    values = {"workspace": room.workspace, "name": name, "size": 1, "created": 0.0, "updated": 0.0, "version": 1}
    values["sealed"] = services.keys.seal("secret", f"{room.workspace} {name}", b"smuggled")
    await services.store.write(lambda connection: connection.execute(table.insert(), values))


async def test_it_is_masked_where_an_agents_errors_are_shown_and_is_in_no_file(
    tmp_path: Path,
    room: Room,
    json_log: Any,  # noqa: ANN401  # a stream
) -> None:
    session = await room.session()
    await put(room, "TOKEN", VALUE)
    turn = await answered(room, session, f"stderr it was {VALUE} that\ndie 3")
    assert "failed" == turn["status"]
    assert "it was **** that" in turn["stderr"]
    await put(room, "QUIET", quiet := chance.token_hex(16))
    script = "cat /proc/$$/cmdline | tr '\\0' ' '; tr '\\0' '\\n' < /proc/$PPID/environ | grep -c QUIET"
    shown = await printed(room, session, script)
    assert quiet not in shown
    assert shown.endswith(("\n0\n", " 0\n")), "the guest itself has no secret in its environment"
    assert quiet in await said(room, await room.session(), "run echo $QUIET\nenv QUIET")
    await put(room, "HIDDEN", hidden := chance.token_hex(16))
    await said(room, session, "say hello")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "store.sqlite" for path in files)
    assert [] == [path for path in files if hidden.encode() in path.read_bytes()]
    assert quiet not in json_log.getvalue()
    assert hidden not in json_log.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "Path", "HOME", "LD_PRELOAD", "ld_audit", "DYLD_INSERT_LIBRARIES", "HOSTEL_AGENT", "USER", "SHELL"),
        *("BASH_ENV", "ENV", "PS4", "ZDOTDIR", "PROMPT_COMMAND", "PAGER", "EDITOR", "LESSOPEN", "XDG_CONFIG_HOME"),
        *("GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_ASKPASS", "GIT_EXTERNAL_DIFF", "GIT_DIR", "SSH_ASKPASS"),
        *("PYTHONPATH", "PYTHONSTARTUP", "NODE_OPTIONS", "npm_config_script_shell", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS"),
        *("ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "OPENSSL_CONF", "GCONV_PATH", "MAKEFLAGS", "RUSTC_WRAPPER"),
    ],
)
async def test_a_name_by_which_programs_are_run_or_led_elsewhere_is_refused(room: Room, name: str) -> None:
    problem = await put(room, name, status=422)
    assert "secretName" == problem["errors"][0]["parameter"]
    assert VALUE not in str(problem)


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "GIT_PASSWORD", "NPM_TOKEN", "PYTHON_TOKEN", "ANTHROPIC_API_KEY", "https_proxy"]
)
async def test_a_name_of_a_value_is_accepted(room: Room, name: str) -> None:
    await put(room, name, status=201)


@pytest.mark.parametrize("name", ["1A", "A-B", "A" * 65, "A.B", "%00", "Ä"])
async def test_what_cannot_be_a_variable_is_not_there(room: Room, name: str) -> None:
    await put(room, name, status=404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": ""},
        {"value": 7},
        {"value": None},
        {"value": "a\0b"},
        {"value": "x" * (VALUE_MAX + 1)},
        {"value": "é" * (VALUE_MAX // 2) + "x"},
        {"value": "x", "sessions": ["../x"]},
        {"value": "x", "sessions": "all"},
        {"value": "x", "sessions": ["s" + "0" * 24] * (SESSIONS_MAX + 1)},
        {"value": "x", "name": "B"},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_value_that_cannot_be_is_refused(room: Room, body: object) -> None:
    problem = await room.call("PUT", f"{room.base}/secrets/TOKEN", body, status=422)
    assert "invalid" == problem["code"]
    assert "xxxx" not in str(problem)
    assert {"items": []} == await room.call("GET", f"{room.base}/secrets", status=200)


async def test_a_value_and_its_sessions_have_a_most(room: Room) -> None:
    session = await room.session()
    await put(room, "TOKEN", "x" * VALUE_MAX, sessions=[session] * SESSIONS_MAX)
    assert f"{VALUE_MAX}\n" == await printed(room, session, "printf %s $TOKEN | wc -c")


async def test_all_of_a_workspace_have_a_most_and_reach_a_program_together(rooms: Rooms, room: Room) -> None:
    session = await room.session()
    for number in range(SECRETS_BYTES_MAX // VALUE_MAX - 1):
        await put(room, f"T{number}", "x" * VALUE_MAX)
    query = select(func.sum(table.c.size)).where(table.c.workspace == room.workspace)
    used = await rooms.services.store.read(lambda connection: connection.scalar(query))
    rest = SECRETS_BYTES_MAX - (used or 0) - len("LAST")
    await put(room, "LAST", "y" * rest)
    assert "limit" == (await put(room, "LAST", "y" * (rest + 1), status=409))["code"]
    assert "limit" == (await put(room, "E", "y", status=409))["code"]
    assert f"{rest}\n" == await printed(room, session, "printf %s $LAST | wc -c")
    # With the longest prompt they fit a frame.
    assert "completed" == (await answered(room, session, "say x\n" + "€" * 170_000))["status"]


async def test_a_workspace_has_so_many(rooms: Rooms, room: Room) -> None:
    rooms.services.secrets._limit = 2
    await put(room, "A")
    await put(room, "B")
    assert "at most 2" in (await put(room, "C", status=409))["detail"]
    await put(room, "B", status=200)
    await room.call("DELETE", f"{room.base}/secrets/A", status=204)
    await put(room, "C")


async def test_anothers_are_not_there(rooms: Rooms, room: Room) -> None:
    await put(room, "TOKEN")
    other = await rooms.room()
    for method, path, body in (
        ("GET", f"{room.base}/secrets", None),
        ("GET", f"{room.base}/secrets/TOKEN", None),
        ("PUT", f"{room.base}/secrets/TOKEN", {"value": "x"}),
        ("DELETE", f"{room.base}/secrets/TOKEN", None),
        ("GET", f"{other.base}/secrets/TOKEN", None),
    ):
        await other.call(method, path, body, status=404)
    sealed = await rooms.services.store.read(lambda connection: connection.execute(select(table.c.sealed)).scalar_one())
    assert VALUE.encode() not in sealed
    assert {} == await rooms.services.secrets.of(other.workspace, "s")


async def test_what_was_read_before_a_change_is_not_kept_after_it(rooms: Rooms, room: Room) -> None:
    known = rooms.services.secrets
    await put(room, "TOKEN", "one")
    assert "one" == (await known.of(room.workspace, "s"))["TOKEN"].reveal()
    await put(room, "TOKEN", "two", status=200)
    assert "two" == (await known.of(room.workspace, "s"))["TOKEN"].reveal()
    assert "****" in repr(await known.of(room.workspace, "s"))
    with pytest.raises(TypeError):
        msgspec.json.encode(await known.of(room.workspace, "s"))
