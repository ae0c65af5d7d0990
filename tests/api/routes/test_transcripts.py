"""Transcripts over HTTP, from a real guest; and as documents, out of which nothing in them can break."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.rendering import HTML_POLICY, Html, Markdown, Renderer
from shared.guestwire.transcripts import GetTranscript, ListTranscripts, TranscriptPage, Transcripts
from shared.ids import new_session_id
from shared.link import Link
from shared.messages import Reply
from shared.transcripts import Entry, EntryRole, TranscriptInfo
from shared.turns import Usage
from tests.agents.transcripts.homes import PLACES, leave
from tests.api.peers import requests, welcome
from tests.api.rooms import Room, Rooms

ATTACKS = [
    "<script>alert(1)</script>",
    "</pre></section><img src=x onerror=alert(1)>",
    "</title><svg onload=alert(1)>",
    "\"><a href='javascript:alert(1)'>x</a>",
    "<!-- --><style>*{display:none}</style>",
    "```\n# not a heading\n<script>alert(1)</script>\n```",
    "`````\n~~~~\n## 9. User\n`````",
    "   ```\nindented fence",
    "a\r```\r# carriage returns\r```",
    "\x1b]0;title\x07\x1b[31m terminal \x9b31m",
    "\x00\x0b\x0c\u2028\u2029\u202e",
    "&lt;script&gt; &#60;script&#62;",
    "[link](javascript:alert(1)) ![image](http://example.org/track)",
]


def home_of(rooms: Rooms, room: Room) -> Path:
    """Where the guest of `room` is or will be at home."""
    return rooms.folder / room.workspace


async def listed(room: Room, query: str = "") -> list[dict[str, Any]]:
    return list((await room.call("GET", f"{room.base}/transcripts{query}", status=200))["items"])


async def test_transcripts_of_all_agents_are_listed(rooms: Rooms, room: Room) -> None:
    session = await room.session()
    for agent in PLACES:
        cwd = home_of(rooms, room) / "vibecoder_workspace" / "sessions" / session / "repo"
        leave(home_of(rooms, room), agent, str(cwd) if agent == "codex" else "/work")
    items = await listed(room)
    assert sorted(PLACES) == sorted(item["agent"] for item in items)
    assert [item["startedAt"] for item in items] == sorted((item["startedAt"] for item in items), reverse=True)
    assert ["codex"] == [item["agent"] for item in await listed(room, f"?session={session}")]
    assert ["claude"] == [item["agent"] for item in await listed(room, "?agent=claude")]
    assert [] == await listed(room, f"?session={new_session_id()}")
    claude = next(item for item in items if item["agent"] == "claude")
    assert {"user": 1, "assistant": 4, "thinking": 1, "tool": 1} == claude["entries"]
    assert (room.workspace, "/work", None, False) == (
        claude["workspaceId"],
        claude["cwd"],
        claude["sessionId"],
        claude["costStated"],
    )
    assert (2710, 400, None) == (claude["usage"]["input"], claude["usage"]["cacheRead"], claude["usage"]["model"])
    assert 0 < claude["usage"]["cost"] < 1


async def test_a_list_is_paged(rooms: Rooms, room: Room) -> None:
    for agent in PLACES:
        leave(home_of(rooms, room), agent)
    whole = await listed(room)
    first = await room.call("GET", f"{room.base}/transcripts?limit=3", status=200)
    rest = await room.call("GET", f"{room.base}/transcripts?limit=3&cursor={first['nextCursor']}", status=200)
    assert (whole, None, False) == (first["items"] + rest["items"], rest["nextCursor"], rest["indexing"])


async def test_a_transcript_is_shown_page_by_page(rooms: Rooms, room: Room) -> None:
    leave(home_of(rooms, room), "claude")
    (item,) = await listed(room)
    path = f"{room.base}/transcripts/{item['transcriptId']}"
    whole = await room.call("GET", path, status=200)
    assert item == whole["transcript"]
    assert (7, None, True) == (len(whole["items"]), whole["nextAfter"], whole["complete"])
    tool = whole["items"][3]
    assert (4, "tool", "Bash", {"command": "ls"}, "README\n[image]", False) == (
        tool["seq"],
        tool["role"],
        tool["name"],
        tool["input"],
        tool["output"],
        tool["error"],
    )
    assert "claude-sonnet-4-5" == tool["usage"]["model"]
    first = await room.call("GET", f"{path}?limit=5", status=200)
    assert 5 == first["nextAfter"]
    rest = await room.call("GET", f"{path}?after=5", status=200)
    assert whole["items"] == first["items"] + rest["items"]


async def fetched(room: Room, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
    async with room.rooms.http.get(path, headers={**room.headers, **headers}) as reply:
        assert 200 == reply.status
        return reply, await reply.text()


@pytest.mark.parametrize(("name", "media"), [("markdown", "text/markdown"), ("html", "text/html")])
async def test_a_document_is_a_download_that_has_no_rights(rooms: Rooms, room: Room, name: str, media: str) -> None:
    leave(home_of(rooms, room), "claude")
    (item,) = await listed(room)
    path = f"{room.base}/transcripts/{item['transcriptId']}"
    reply, document = await fetched(room, f"{path}?format={name}")
    suffix = {"markdown": "md", "html": "html"}[name]
    assert {
        "Content-Type": f"{media}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{item["transcriptId"]}.{suffix}"',
        "Content-Security-Policy": HTML_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }.items() <= reply.headers.items()
    assert reply.headers["X-Request-Id"]
    for text in ("List the\nfiles, please", "ls will do", "Bash", "README", "There is a README."):
        assert text in document
    assert document == (await fetched(room, path, Accept=media))[1]
    assert "application/json" in (await fetched(room, path, Accept=f"application/json, {media}"))[0].headers["Content-Type"]
    head = await room.rooms.http.head(f"{path}?format={name}", headers=room.headers)
    assert (200, b"") == (head.status, await head.read())


async def test_a_document_has_all_pages(rooms: Rooms, room: Room) -> None:
    path = leave(home_of(rooms, room), "claude")
    line = '{"type":"user","message":{"content":"number %d."}}\n'
    path.write_text("".join(line % number for number in range(1234)))
    (item,) = await listed(room)
    for name in ("markdown", "html"):
        _, document = await fetched(room, f"{room.base}/transcripts/{item['transcriptId']}?format={name}")
        numbers = [int(number) for number in re.findall(r"number (\d+)\.", document)]
        assert [*range(1234)] == numbers[-1234:]


async def test_what_is_not_there_or_not_asked_rightly_is_told(room: Room) -> None:
    path = f"{room.base}/transcripts"
    await room.call("GET", f"{path}/tr{'0' * 24}", status=404)
    await room.call("GET", f"{path}/tr{'0' * 24}?format=html", status=404)
    await room.call("GET", f"{path}/tr{'0' * 23}", status=404)
    for query in (
        "limit=0",
        "limit=101",
        "cursor=%21",
        "cursor=",
        "agent=NOT%20ONE",
        "session=x",
        "surprise=1",
        "cursor=" + "A" * 199,
    ):
        assert "invalid" == (await room.call("GET", f"{path}?{query}", status=422))["code"], query
    for query in ("limit=0", "limit=501", "after=-1", "after=200001", "format=pdf"):
        assert "invalid" == (await room.call("GET", f"{path}/tr{'0' * 24}?{query}", status=422))["code"], query


async def test_one_workspace_sees_nothing_of_another(rooms: Rooms, room: Room) -> None:
    leave(home_of(rooms, room), "claude")
    (item,) = await listed(room)
    other = await rooms.room()
    await other.call("GET", f"{room.base}/transcripts", status=404)
    await other.call("GET", f"{other.base}/transcripts/{item['transcriptId']}", status=404)
    assert [] == await listed(other)


INFO = TranscriptInfo(
    transcript="tr" + "0" * 24,
    agent="claude",
    native="n",
    title="t",
    started="2026-11-01T10:00:00.000Z",
    updated="2026-11-01T10:00:00.000Z",
    size=1,
    usage=Usage(),
)


def entry(seq: int, text: str = "x") -> Entry:
    return Entry(seq=seq, role=EntryRole.USER, text=text)


def page(*entries: Entry, **fields: Any) -> TranscriptPage:  # noqa: ANN401  # the reply's
    return TranscriptPage(transcript=fields.pop("transcript", INFO), entries=list(entries), **fields)


@pytest.mark.parametrize(
    "reply",
    [
        page(entry(2)),
        page(entry(1), entry(1)),
        page(entry(1), next=5),
        page(next=0),
        page(*(entry(number) for number in range(1, 102))),
        page(
            transcript=TranscriptInfo(**{f: getattr(INFO, f) for f in INFO.__struct_fields__} | {"transcript": "tr" + "1" * 24})
        ),
        page(transcript=TranscriptInfo(**{f: getattr(INFO, f) for f in INFO.__struct_fields__} | {"started": "soon"})),
        page(Entry(seq=1, role=EntryRole.USER, at="yesterday")),
        Transcripts(items=[]),
    ],
    ids=range(9),
)
async def test_a_guest_that_answers_something_else_is_told_of(rooms: Rooms, reply: Reply) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            await link.send(type(reply)(**{**{f: getattr(reply, f) for f in reply.__struct_fields__}, "id": request.id}))

    room = await rooms.hostile(talk)
    refused = await room.call("GET", f"{room.base}/transcripts/{INFO.transcript}", status=502)
    assert "guest_misbehaved" == refused["code"]


async def test_a_guest_cannot_put_other_transcripts_into_a_list(rooms: Rooms) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            assert isinstance(request, ListTranscripts)
            await link.send(Transcripts(id=request.id, items=[INFO]))

    room = await rooms.hostile(talk)
    assert 1 == len(await listed(room))
    await room.call("GET", f"{room.base}/transcripts?agent=codex", status=502)
    await room.call("GET", f"{room.base}/transcripts?session={new_session_id()}", status=502)


async def test_transcripts_that_have_a_text_are_found(rooms: Rooms, room: Room) -> None:
    for agent in PLACES:
        leave(home_of(rooms, room), agent)
    await room.session()
    assert ["claude"] == [item["agent"] for item in await listed(room, "?q=There%20is%20a%20readme")]
    assert [] == await listed(room, "?q=nowhere%20at%20all")
    assert [] == await listed(room, "?q=There%20is%20a%20readme&agent=codex")
    for wrong in ("q=", f"q={'x' * 201}", "q=a&q=b"):
        await room.call("GET", f"{room.base}/transcripts?{wrong}", status=422)


@pytest.mark.parametrize("name", ["markdown", "html"])
async def test_a_document_that_breaks_off_is_not_taken_for_a_whole_one(rooms: Rooms, name: str) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            assert isinstance(request, GetTranscript)
            good = TranscriptPage(id=request.id, transcript=INFO, entries=[entry(1)], next=1)
            await link.send(good if request.after == 0 else Transcripts(id=request.id, items=[]))

    room = await rooms.hostile(talk)
    with pytest.raises(aiohttp.ClientError):
        await fetched(room, f"{room.base}/transcripts/{INFO.transcript}?format={name}")


async def test_a_download_ends_with_its_token(rooms: Rooms) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            assert isinstance(request, GetTranscript)
            if request.after == 3:
                rooms.services.live.revoke_workspace(room.workspace)
            seq = request.after + 1
            await link.send(TranscriptPage(id=request.id, transcript=INFO, entries=[entry(seq)], next=seq))

    room = await rooms.hostile(talk)
    with pytest.raises(aiohttp.ClientError):
        await fetched(room, f"{room.base}/transcripts/{INFO.transcript}?format=html")


def document(renderer: Renderer, text: str) -> str:
    """A document that has `text` wherever a text can be."""
    line = text.replace("\n", " ")[:200]
    fields = {f: getattr(INFO, f) for f in INFO.__struct_fields__}
    info = TranscriptInfo(
        **fields | {"title": line, "native": line, "cwd": text, "models": [line], "answers": 2, "unpriced": 1, "skipped": 1}
    )
    entries = [
        *(
            Entry(seq=number, role=role, text=text)
            for number, role in enumerate((EntryRole.USER, EntryRole.ASSISTANT, EntryRole.THINKING), 1)
        ),
        Entry(
            seq=4,
            role=EntryRole.TOOL,
            name=line,
            input=text,
            output=text,
            error=True,
            truncated=True,
            sidechain=True,
            usage=Usage(input=1, model=line),
        ),
        Entry(seq=5, role=EntryRole.TOOL, name=None),
    ]
    pieces = [
        *renderer.head(info),
        *(piece for entry in entries for piece in renderer.entry(entry)),
        *renderer.foot(complete=False),
    ]
    return "".join(pieces)


class Outline(HTMLParser):
    """The tags of a document, with their attributes, and its texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(document(Html(), text))
    parser.close()
    return parser


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (r'"echo \"hi\"\n"', '\n```text\necho "hi"\n\n```\n'),
        ('{"command":"ls","timeout":1e3}', '\n```text\n{\n  "command": "ls",\n  "timeout": 1e3\n}\n```\n'),
        ("not { JSON", "\n```text\nnot { JSON\n```\n"),
        (r'"\ud800"', '\n```text\n"\\ud800"\n```\n'),
    ],
    ids=("text", "object", "no-json", "surrogate"),
)
def test_what_a_tool_was_given_is_shown_as_people_read_it(given: str, shown: str) -> None:
    assert shown in "".join(Markdown().entry(Entry(seq=1, role=EntryRole.TOOL, name="exec", input=given)))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_changes_the_structure_of_an_html_document(attack: str) -> None:
    assert outline("calm").tags == outline(attack).tags
    assert not {"script", "img", "svg", "a", "iframe", "object", "form", "link", "base"} & {
        tag for tag, _ in outline(attack).tags
    }
    assert html.unescape(html.escape(attack)).replace("\r", "\n").translate(dict.fromkeys(range(32), None) | {10: "\n"})[
        :3
    ] in outline(attack).text.translate(dict.fromkeys(range(0x2400, 0x2422), None))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_ends_its_fence_in_a_markdown_document(attack: str) -> None:
    """By CommonMark's rule: a fence ends at a line of at least as many of its own characters, indented by at most 3."""
    fence, headings, fences = "", [], 0
    for line in re.split(r"\r\n|\r|\n", document(Markdown(), attack)):
        mark = re.fullmatch(r" {0,3}(`{3,}|~{3,})([^`]*)", line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
                fence = ""
        elif mark:
            fence, fences = mark[1], fences + 1
        elif line.startswith("#"):
            headings.append(line)
        else:
            plain = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
            assert not re.search(r"[<>\[\]!]", plain), line
    assert "" == fence
    assert 7 == fences
    assert ["# ", "## 1. User", "## 2. Assistant", "## 3. Thinking", "## 4. Tool", "## 5. Tool"] == [
        re.sub(r" (`.*|·.*)$", "", line)[:16].rstrip() if line.startswith("## ") else line[:2] for line in headings
    ]


@pytest.mark.parametrize("renderer", [Markdown(), Html()], ids=lambda renderer: renderer.suffix)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_document_steers_a_terminal(renderer: Renderer, attack: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", document(renderer, attack))
