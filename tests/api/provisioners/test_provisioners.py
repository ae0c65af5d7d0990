"""What is made for a workspace elsewhere: as the products describe their APIs, once, and gone when the workspace is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from api.deletion import purge_due
from api.provisioners.remote import ANSWER_MAX
from shared.errors import Code, Fault
from shared.settings import Coolify as CoolifySettings
from shared.settings import Gitea as GiteaSettings
from shared.settings import Provisioners as Settings
from tests.api.fakehost import FakeHost
from tests.api.provisioners.contract import Product, running
from tests.api.provisioners.coolify import Coolify
from tests.api.provisioners.gitea import Gitea
from tests.api.serving import Server, serving


class Site:
    """Both products, and what api is told of them."""

    def __init__(self, folder: Path, gitea: Gitea, coolify: Coolify) -> None:
        self.folder = folder
        self.gitea = gitea
        self.coolify = coolify
        self.host: FakeHost
        self.token_file = folder / "token"
        self.token_file.write_text(f"{gitea.token}\n")

    def settings(self, attempts: int = 3, timeout: float = 5, pause: float = 0.02) -> Settings:
        token = str(self.token_file)
        return Settings(
            attempts=attempts,
            retry_pause=pause,
            gitea=GiteaSettings(url=f"{self.gitea.url}/", token_file=token, timeout=timeout),
            coolify=CoolifySettings(url=self.coolify.url, token_file=token, timeout=timeout),
        )

    @asynccontextmanager
    async def serving(self, settings: Settings | None = None) -> AsyncIterator["Room"]:
        async with serving(self.folder, self.host, provisioner=settings or self.settings()) as server:
            yield Room(server)


class Room:
    """Api, and a workspace of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.workspace = ""
        self.token = ""

    async def create(self) -> dict[str, dict[str, Any]]:
        self.workspace, self.token = await self.server.tenant(name="../../x ; é")
        return await self.settled()

    async def settled(self) -> dict[str, dict[str, Any]]:
        """All parts by name, once nothing is under way."""
        async with asyncio.timeout(20):
            await self.server.services.provisioners.settled(self.workspace)
        return await self.parts()

    async def parts(self) -> dict[str, dict[str, Any]]:
        listed = await self.call("GET", "/provisioners")
        return {item["name"]: item for item in listed["items"]}

    async def call(self, method: str, path: str, status: int = 200) -> Any:  # noqa: ANN401  # JSON
        got, reply, _ = await self.server.call(method, f"/api/workspaces/{self.workspace}{path}", token=self.token)
        assert status == got, reply
        return reply

    async def release(self) -> None:
        await self.server.services.provisioners.release(self.workspace)
        async with asyncio.timeout(20):
            await self.server.services.provisioners.settled(self.workspace)


@pytest.fixture
async def site(tmp_path: Path, host: FakeHost) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        gitea, coolify = Gitea(), Coolify()
        await stack.enter_async_context(running(gitea))
        await stack.enter_async_context(running(coolify))
        made = Site(tmp_path, gitea, coolify)
        made.host = host
        yield made


@pytest.fixture
async def room(site: Site) -> AsyncIterator[Room]:
    async with site.serving() as made:
        yield made


async def test_a_workspace_gets_an_organisation_a_user_with_a_token_and_a_project(site: Site, room: Room) -> None:
    parts = await room.create()
    assert ["linux", "coolify", "gitea"] == list(parts)
    assert {"ready"} == {part["status"] for part in parts.values()}
    bot = f"{room.workspace}-bot"
    assert {"url": site.gitea.url, "organisation": room.workspace, "user": bot} == parts["gitea"]["detail"]
    assert {room.workspace: {bot}} == site.gitea.owners
    [project] = site.coolify.projects.values()
    assert (room.workspace, project["uuid"]) == (project["name"], parts["coolify"]["detail"]["project"])
    revealed = await room.call("POST", "/provisioners/gitea/reveal")
    [(token, (owner, scopes))] = site.gitea.tokens.items()
    assert {"token": token} == revealed["secrets"]
    assert bot == owner
    assert "all" not in scopes
    assert {} == (await room.call("POST", "/provisioners/coolify/reveal"))["secrets"]
    files = b"".join(path.read_bytes() for path in (site.folder / "state/api").glob("store*"))
    assert token.encode() not in files


async def test_the_workspace_is_ready_before_the_rest_is(site: Site, room: Room) -> None:
    gate = asyncio.Event()

    async def hold(_name: str, _request: web.Request) -> None:
        await gate.wait()

    site.gitea.override = hold
    room.workspace, room.token = await room.server.tenant()
    parts = await room.parts()
    assert ("ready", "pending") == (parts["linux"]["status"], parts["gitea"]["status"])
    await room.call("POST", "/provisioners/gitea/reveal", status=409)
    gate.set()
    assert "ready" == (await room.settled())["gitea"]["status"]


async def test_a_repeated_making_makes_nothing_twice(site: Site, room: Room) -> None:
    await room.create()
    services = room.server.services.provisioners
    for kind in ("gitea", "coolify"):
        [row] = [row for row in await services.of(room.workspace) if row.kind == kind]
        kept: list[object] = []

        async def keep(made: object, kept: list[object] = kept) -> None:
            kept.append(made)

        again = await services._known[kind].make(room.workspace, row.made, keep)  # what a crash before the end repeats
        assert row.made == again
    assert (1, 1, 2) == (len(site.coolify.projects), len(site.gitea.tokens), len(site.gitea.accounts))


@pytest.mark.parametrize("step", ["POST /admin/users", "POST /admin/users/{username}/orgs", "POST /users/{username}/tokens"])
async def test_a_making_that_breaks_off_goes_on_from_there(site: Site, room: Room, step: str) -> None:
    """Also when the product did as it was asked, and the answer was lost."""
    broken = 0

    async def lose(name: str, request: web.Request) -> web.StreamResponse | None:
        nonlocal broken
        if name != step or broken == 2:
            return None
        broken += 1
        if broken == 1:
            return web.Response(status=503)
        site.gitea.override = None
        site.gitea.asked.pop()
        await site.gitea.handle(request)
        return web.Response(status=502)

    site.gitea.override = lose
    parts = await room.create()
    assert "ready" == parts["gitea"]["status"], parts
    assert 3 == parts["gitea"]["attempts"]
    assert {room.workspace, f"{room.workspace}-bot"} == set(site.gitea.accounts)
    token = (await room.call("POST", "/provisioners/gitea/reveal"))["secrets"]["token"]
    assert token in site.gitea.tokens


async def test_a_restart_goes_on(site: Site) -> None:
    async def away(_name: str, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    site.gitea.override = away
    async with site.serving(site.settings(attempts=50, pause=0.2)) as room:
        room.workspace, room.token = await room.server.tenant()
        assert "pending" == (await room.parts())["gitea"]["status"]
    site.gitea.override = None
    async with site.serving() as again:
        again.workspace, again.token = room.workspace, room.token
        assert {"ready"} == {part["status"] for part in (await again.settled()).values()}


async def test_what_fails_says_why_and_is_tried_again_on_request(site: Site, room: Room) -> None:
    async def away(_name: str, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    site.gitea.override = away
    parts = await room.create()
    gitea = parts["gitea"]
    assert ("error", "Gitea answered 500", 3, None) == (
        gitea["status"],
        gitea["errorReason"],
        gitea["attempts"],
        gitea["nextAttemptAt"],
    )
    assert ("ready", "ready") == (parts["linux"]["status"], parts["coolify"]["status"])
    site.gitea.override = None
    await room.call("POST", "/provisioners/gitea/retry", status=202)
    assert "ready" == (await room.settled())["gitea"]["status"]
    await room.call("POST", "/provisioners/nothing/retry", status=404)
    await room.call("POST", "/provisioners/nothing/reveal", status=404)


async def test_provision_tries_everything_again(site: Site, room: Room) -> None:
    site.token_file.write_text("wrong")
    parts = await room.create()
    assert {"ready", "error"} == {part["status"] for part in parts.values()}
    assert 1 == parts["gitea"]["attempts"]  # another attempt would not help
    assert "does not accept the token" in parts["gitea"]["errorReason"]
    site.token_file.write_text(site.gitea.token)
    await room.call("POST", "/provision")
    assert {"ready"} == {part["status"] for part in (await room.settled()).values()}


async def test_the_rest_waits_for_the_linux_user(site: Site, room: Room) -> None:
    site.host.fault = Fault(Code.FAILED, "no room")
    admin = await room.server.admin()
    _, made, _ = await room.server.call("POST", "/api/workspaces", {}, token=admin)
    path = f"/api/workspaces/{made['workspaceId']}"
    assert 409 == (await room.server.call("POST", f"{path}/provisioners/gitea/retry", token=admin))[0]
    _, listed, _ = await room.server.call("GET", f"{path}/provisioners", token=admin)
    assert [("linux", "error", "no room")] == [(item["name"], item["status"], item["errorReason"]) for item in listed["items"]]
    site.host.fault = None
    assert 202 == (await room.server.call("POST", f"{path}/provisioners/linux/retry", token=admin))[0]
    await room.server.services.provisioner.wait(made["workspaceId"], 20, asyncio.Event())
    await room.server.services.provisioners.settled(made["workspaceId"])
    _, listed, _ = await room.server.call("GET", f"{path}/provisioners", token=admin)
    assert ["ready"] * 3 == [item["status"] for item in listed["items"]]
    assert [] != site.gitea.asked


async def test_a_workspace_from_before_a_provisioner_gets_its_part_on_request(site: Site) -> None:
    async with site.serving(Settings()) as room:
        assert ["linux"] == list(await room.create())
    async with site.serving() as later:
        later.workspace, later.token = room.workspace, room.token
        await later.call("POST", "/provision")
        assert {"ready"} == {part["status"] for part in (await later.settled()).values()}


@pytest.mark.parametrize("kind", ["bot", "org"])
async def test_an_account_that_somebody_else_made_is_left_alone(site: Site, kind: str) -> None:
    async def squat(name: str, request: web.Request) -> None:
        if name == "GET /users/{username}":
            bot = request.path.rpartition("/")[2]
            account = bot if kind == "bot" else bot.removesuffix("-bot")
            site.gitea.accounts.setdefault(account, {"id": 1, "login": account, "full_name": "mine", "description": "mine"})

    site.gitea.override = squat
    async with site.serving() as room:
        gitea = (await room.create())["gitea"]
        assert "error" == gitea["status"]
        assert "did not make" in gitea["errorReason"]
        assert {} == site.gitea.tokens
        account = f"{room.workspace}-bot" if kind == "bot" else room.workspace
        await room.release()
        assert "mine" == site.gitea.accounts[account]["description"]


async def test_all_that_was_made_is_removed_and_nothing_else(site: Site, room: Room) -> None:
    await room.create()
    site.gitea.accounts["else"] = {"id": 9, "login": "else", "full_name": "x"}
    site.coolify.projects["else"] = {"id": 9, "uuid": "else", "name": room.workspace, "description": None}
    await room.release()
    assert {"else"} == set(site.gitea.accounts) == set(site.coolify.projects)
    assert {} == site.gitea.tokens
    assert ["linux"] == list(await room.parts())


async def test_an_organisation_that_others_own_too_is_removed(site: Site, room: Room) -> None:
    await room.create()
    site.gitea.owners[room.workspace].add("somebody")
    await room.release()
    assert {} == site.gitea.accounts


async def test_what_cannot_be_removed_is_kept_in_mind_over_restarts(site: Site) -> None:
    async with site.serving() as room:
        await room.create()
        [uuid] = site.coolify.projects
        site.coolify.in_use.add(uuid)
        await room.release()
        part = (await room.parts())["coolify"]
        assert "removing" == part["status"]
        assert "still has resources" in part["errorReason"]
    site.coolify.in_use.clear()
    async with site.serving() as again:
        again.workspace = room.workspace
        async with asyncio.timeout(20):
            await again.server.services.provisioners.settled(room.workspace)
        assert {} == site.coolify.projects
        assert [] == await again.server.services.provisioners.of(room.workspace)


async def test_a_workspace_that_is_gone_leaves_nothing_elsewhere(site: Site) -> None:
    async with site.serving() as room:
        await room.create()
        site.host.deleted.add(room.workspace)
        await room.call("GET", "/sessions", status=404)
        async with asyncio.timeout(20):
            while site.gitea.accounts or site.coolify.projects:
                await asyncio.sleep(0.01)
        assert None is await room.server.services.workspaces.find(room.workspace)


async def test_what_is_kept_keeps_its_parts_and_what_is_purged_does_not(site: Site) -> None:
    async with site.serving() as room:
        await room.create()
        await room.call("DELETE", "")
        await purge_due(room.server.services)
        assert (1, 1) == (len(site.gitea.owners), len(site.coolify.projects))
        async with room.server.services.workspaces.lock(room.workspace):
            await room.server.services.workspaces.change(room.workspace, purge=time.time() - 1)
        await purge_due(room.server.services)
        async with asyncio.timeout(20):
            await room.server.services.provisioners.settled(room.workspace)
        assert ({}, {}) == (site.gitea.accounts, site.coolify.projects)
        assert [] == await room.server.services.provisioners.of(room.workspace)


async def test_a_crash_between_the_end_of_a_workspace_and_of_its_parts_leaves_nothing(site: Site) -> None:
    async with site.serving() as room:
        await room.create()
        await room.server.services.workspaces.remove(room.workspace)
    async with site.serving() as again:
        async with asyncio.timeout(20):
            await again.server.services.provisioners.settled(room.workspace)
    assert ({}, {}) == (site.gitea.accounts, site.coolify.projects)


async def bytes_of(raw: bytes, **headers: str) -> web.StreamResponse:
    return web.Response(body=raw, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "answered with what its API does not answer with"),
        (b"<html>", "answered with what its API does not answer with"),
        (b"[" * 100_000, "answered with what its API does not answer with"),
        (b'[{"uuid": 7}]', "answered with what its API does not answer with"),
        (b'{"uuid": "x"}', "answered with what its API does not answer with"),
        (b"[" + b" " * ANSWER_MAX + b"]", f"more than {ANSWER_MAX} bytes"),
    ],
)
async def test_garbage_is_an_error_with_a_reason(site: Site, room: Room, raw: bytes, why: str) -> None:
    site.coolify.override = lambda _name, _request: bytes_of(raw)
    part = (await room.create())["coolify"]
    assert ("error", 1) == (part["status"], part["attempts"])
    assert why in part["errorReason"]


async def test_an_id_that_would_leave_its_path_is_refused(site: Site, room: Room) -> None:
    async def foul(name: str, _request: web.Request) -> web.StreamResponse | None:
        return web.json_response({"uuid": "../../servers"}, status=201) if name == "POST /projects" else None

    site.coolify.override = foul
    assert "no uuid" in (await room.create())["coolify"]["errorReason"]


async def test_the_words_of_a_refusal_are_shown_without_what_could_harm(site: Site, room: Room) -> None:
    async def refuse(name: str, _request: web.Request) -> web.StreamResponse | None:
        words = {"message": "no\n\x1b[31m " + "x" * 5000}
        return web.json_response(words, status=422) if name == "POST /projects" else None

    site.coolify.override = refuse
    reason = (await room.create())["coolify"]["errorReason"]
    assert reason.startswith("Coolify answered 422 to POST projects: no ")
    assert len(reason) < 300
    assert reason.isprintable()


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_not_followed(site: Site, room: Room, status: int) -> None:
    async def away(_name: str, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": f"{site.gitea.url}/api/v1/elsewhere"})

    site.coolify.override = away
    assert f"answered {status}" in (await room.create())["coolify"]["errorReason"]


async def test_a_server_that_is_slow_or_down_is_tried_again(site: Site) -> None:
    async def slow(_name: str, _request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    site.gitea.override = slow
    settings = site.settings(attempts=2, timeout=0.2)
    absent = CoolifySettings(url="http://127.0.0.1:1", token_file=str(site.token_file))
    down = Settings(attempts=2, retry_pause=0.02, gitea=settings.gitea, coolify=absent)
    async with site.serving(down) as room:
        parts = await room.create()
        assert ("Gitea did not answer within 0.2 s", 2) == (parts["gitea"]["errorReason"], parts["gitea"]["attempts"])
        assert ("Coolify cannot be reached", 2) == (parts["coolify"]["errorReason"], parts["coolify"]["attempts"])


@pytest.mark.parametrize("content", [None, b"", b" \n", b"a b", b"\xff", b"x" * 5000])
async def test_a_token_file_that_holds_none_is_said(site: Site, room: Room, content: bytes | None) -> None:
    if content is None:
        site.token_file.unlink()
    else:
        site.token_file.write_bytes(content)
    part = (await room.create())["gitea"]
    assert "error" == part["status"]
    assert "token file of Gitea" in part["errorReason"]


async def test_a_stranger_may_not_reveal_and_an_admin_neither(site: Site, room: Room) -> None:  # noqa: ARG001  # both are running
    await room.create()
    path = f"/api/workspaces/{room.workspace}/provisioners/gitea/reveal"
    assert 403 == (await room.server.call("POST", path, token=await room.server.admin()))[0]
    _, other = await room.server.tenant()
    assert 404 == (await room.server.call("POST", path, token=other))[0]


async def test_the_strict_server_notices_what_is_not_described() -> None:
    product = Coolify()
    with pytest.raises(AssertionError):
        async with running(product) as made:
            await _ask(made, "POST", "/api/v1/projects", {"nome": "x"})
    assert ["POST /projects: nome is unknown", "POST /projects: name is missing"] == product.violations


async def _ask(product: Product, method: str, path: str, body: object) -> None:
    import aiohttp  # noqa: PLC0415  # for this test alone

    headers = {"Authorization": f"Bearer {product.token}"}
    async with aiohttp.ClientSession() as http, http.request(method, product.url + path, json=body, headers=headers):
        pass
