"""A workspace as a team leaves it in the middle of a day, so that no page is looked at empty."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from tests.browser import ledger, repository
from tests.e2e.models.server import Models
from tests.e2e.work import Room, Work, kind
from tests.stack import Client, Stack

FIX: Final = "Refunds of half a cent go the wrong way, see the failing test. Find out why, and fix it."
PUSH: Final = "Commit this on a branch of its own, for a review."
LIST: Final = "Which modules have no tests?"
BASHRC: Final = "PS1='\\[\\e[1;34m\\]ledger\\[\\e[0m\\] $ '\n"


def later(days: int) -> str:
    """The time in some days."""
    return (datetime.now(UTC) + timedelta(days)).isoformat()


@dataclass(frozen=True)
class Team:
    """A workspace, its ids, and who looks at it from outside."""

    work: Work
    admin: Client
    room: Room
    ids: dict[str, str]

    @classmethod
    @asynccontextmanager
    async def at_work(cls, stack: Stack, models: Models) -> AsyncIterator[Self]:
        """Fill a fresh workspace of the agents' real work."""
        sources = stack.folder / "sources/ledger"
        ledger.make(sources)
        async with repository.served(sources) as address:
            work = await Work.begin(stack, models, "Payments")
            session = await work.tenant.session(repoUrl=address, name="Refunds of half a cent")
            team = cls(work, await stack.admin(), Room(work, session), {"s": session})
            team._leave_a_shell()
            await team._talk()
            await team._sessions(address)
            await team._automate(address)
            await team._chat()
            await team._manage()
            yield team

    def pages(self) -> dict[str, str]:
        """The address of each page that the workspace itself looks at, by its name."""
        at = f"/w/{self.work.tenant.workspace}"
        room = f"{at}/s/{self.ids['s']}"
        below = {name: f"{at}/{name}" for name in PAGES}
        return {
            "sessions": at,
            "chat": room,
            **{name: f"{room}/{name}" for name in ROOM_PAGES},
            **below,
            "transcript": f"{at}/transcripts/{self.ids['transcript']}",
            "task": f"{at}/tasks/{self.ids['task']}",
            "channel": f"{at}/channels/{self.ids['channel']}",
            "webhook": f"{at}/webhooks/{self.ids['webhook']}",
            "account": "/account",
        }

    def outside(self) -> dict[str, str]:
        """Those that an administrator of the host looks at."""
        return {
            "workspaces": "/",
            "new": "/new",
            "locked": f"/w/{self.work.tenant.workspace}",
            "organisations": "/orgs",
            "organisation": f"/orgs/{self.ids['organisation']}",
            "admin": "/admin",
            **{f"admin-{name}": f"/admin/{name}" for name in ADMIN_PAGES},
            "admin-webhook": f"/admin/webhooks/{self.ids['admin-webhook']}",
            "admins-account": "/account",
        }

    async def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:  # noqa: ANN401  # JSON
        """Call the API, below the workspace."""
        return await self.work.tenant.call(method, f"{self.work.tenant.base}/{path}", body, **more)

    async def allowed(self, room: Room, prompt: str) -> None:
        """A whole turn, in which everything is allowed."""
        async with room.follow() as log:
            turn = await room.prompt("claude", prompt)
            while (event := await log.until("permissionAsked", "turnEnded"))["type"] == "permissionAsked":
                await room.answer(event, kind("allow_once"))
            assert (turn, "completed") == (event["turnId"], event["status"])

    def _leave_a_shell(self) -> None:
        """A short prompt in terminals."""
        path = self.work.tenant.home / ".bashrc"
        path.write_text(BASHRC)
        shutil.chown(path, self.work.tenant.uid, self.work.tenant.uid)

    async def _talk(self) -> None:
        """A turn that has changed a file, and one that waits for an answer."""
        models, file = self.work.models, str(self.room.repo / "ledger/refunds.py")
        models.rehearse(
            FIX,
            "think: The test wants 13 for half of 25. round() in Python rounds half to even, so it gives 12.",
            "say: I look at how refunds are rounded.",
            f"call: Read {json.dumps({'file_path': file})}",
            f"say: {json.dumps(FOUND)}",
            f"call: Edit {json.dumps({'file_path': file, 'old_string': ledger.FAULT, 'new_string': ledger.REPAIR})}",
            f"call: Bash {json.dumps({'command': 'python3 -m unittest', 'description': 'Run the tests'})}",
            f"say: {json.dumps(FIXED)}",
            "tokens: 18400 1250",
        )
        await self.allowed(self.room, FIX)
        command = "git switch -c fix/half-a-cent && git commit -am 'Half a cent goes to the customer'"
        arguments = {"command": command, "description": "Commit on a branch"}
        models.rehearse(PUSH, "say: I commit it on a branch.", f"call: Bash {json.dumps(arguments)}", "say: It is done.")
        async with self.room.follow() as log:
            await self.room.prompt("claude", PUSH)
            await log.until("permissionAsked")

    async def _sessions(self, address: str) -> None:
        await self.work.tenant.terminal(self.room.session)
        await self.call(
            "POST", f"sessions/{self.room.session}/worktrees", {"name": "statements", "branch": "statements", "start": "main"}
        )
        for name in ("Monthly statements", "Import of bank files"):
            await self.work.tenant.session(repoUrl=address, name=name)
        await self.work.tenant.session(name="Scratch")
        found: list[Any] = []
        while not found:
            page = await self.call("GET", "transcripts?limit=50")
            found = page["items"]
        self.ids["transcript"] = found[0]["transcriptId"]

    async def _automate(self, address: str) -> None:
        """Tasks, one of which has ended, and a schedule."""
        answer = "`ledger/money.py` and `ledger/postings.py` have none. `ledger/refunds.py` has two."
        self.work.models.rehearse(LIST, f"say: {answer}")
        task = await self.call("POST", "tasks", {"prompt": LIST, "repoUrl": address})
        self.ids["task"] = task["taskId"]
        await self.call("POST", "tasks", {"prompt": "Summarise the week's changes", "notBefore": later(7)})
        schedule = {"name": "Nightly look at dependencies", "cron": "30 3 * * 1-5", "timezone": "Europe/Berlin"}
        await self.call(
            "POST", "schedules", {**schedule, "task": {"prompt": "Update what is out of date.", "repoUrl": address}}
        )
        async with asyncio.timeout(60):
            while (await self.call("GET", f"tasks/{task['taskId']}"))["status"] != "succeeded":
                await asyncio.sleep(0.2)

    async def _chat(self) -> None:
        """Channels."""
        await self.call("POST", "channels", {"name": "releases", "topic": "What goes out, and when"})
        made = await self.call("POST", "channels", {"name": "reviews", "topic": "Changes that wait for somebody"})
        self.ids["channel"] = made["channelId"]
        for name, text in MESSAGES:
            await self.call("POST", f"channels/{made['channelId']}/messages", {"name": name, "text": text})

    async def _manage(self) -> None:
        """Keys, secrets, a webhook with a delivery, a budget and an organisation."""
        await self.call("POST", "keys", {"name": "Builds", "rank": "member"})
        await self.call("POST", "keys", {"name": "Editor", "rank": "admin", "expiresAt": later(90)})
        await self.call("PUT", "secrets/LEDGER_DATABASE", {"value": "postgres://ledger"})
        await self.call("PUT", "secrets/STATEMENT_KEY", {"value": "0123456789abcdef", "sessions": [self.room.session]})
        events = ["task.succeeded", "task.failed", "channel.message"]
        hook = await self.call("POST", "webhooks", {"url": "https://hooks.example.org/hostel", "events": events})
        self.ids["webhook"] = hook["webhookId"]
        await self.call("POST", f"webhooks/{hook['webhookId']}/test")
        above = await self.admin.call("POST", "/api/webhooks", {"url": hook["url"], "events": ["workspace.failed"]})
        self.ids["admin-webhook"] = above["webhookId"]
        await self.admin.call("PUT", f"{self.work.tenant.base}/limits", {"budget": {"day": 25, "month": 300}})
        made = await self.admin.call("POST", "/api/orgs", {"slug": "shop", "name": "Shop"})
        self.ids["organisation"] = made["organisationId"]
        await self.admin.call("POST", f"/api/orgs/{made['organisationId']}/workspaces", {"name": "Storefront"})
        await self.admin.call("POST", f"/api/orgs/{made['organisationId']}/keys", {"name": "Deployments", "rank": "member"})


PAGES: Final = ("transcripts", "tasks", "schedules", "channels", "keys", "secrets", "webhooks", "audit", "usage", "settings")
ROOM_PAGES: Final = ("terminals", "files", "changes")
ADMIN_PAGES: Final = ("workspaces", "keys", "signing", "audit", "webhooks")
FOUND: Final = """\
`round` rounds **half to even**: 12.5 becomes 12, and the customer loses half a cent on every second refund.

I count in whole numbers instead."""
FIXED: Final = """\
Both tests pass now.

- `refund` adds half of the divisor before it divides, so half a cent always goes to the customer.
- No float is involved: `share` is a `Fraction`, and `amount` is in cents.

| Amount | Share | Before | Now |
|---:|---:|---:|---:|
| 25 | 1/2 | 12 | 13 |
| 1000 | 1/3 | 333 | 333 |"""
MESSAGES: Final = (
    ("refunds-agent", "The fix for half a cent is in ledger/refunds.py. Both tests pass."),
    ("review-agent", "Read it. The comment could say why the customer gets the half. Otherwise fine."),
    ("refunds-agent", "It does now: https://git.example.org/payments/ledger/pulls/41"),
    ("release-agent", "Goes out with the statements on Thursday."),
)
