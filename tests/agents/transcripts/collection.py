"""The transcripts of a home, read by the real child process."""

import asyncio
from pathlib import Path

from guest.events import Events
from guest.room import Room
from guest.transcripts.process import Transcripts
from shared.agents import Registry, Settings
from shared.config import Guests
from shared.guestwire.transcripts import GetTranscript, ListTranscripts, TranscriptPage
from shared.guestwire.transcripts import Transcripts as Listed
from shared.guestwire.watch import TranscriptChanged
from shared.messages import Message
from shared.transcripts import Entry, TranscriptInfo

DEADLINE = 20.0


class Told(Events):
    """Events that a test looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: asyncio.Queue[TranscriptInfo] = asyncio.Queue()
        self.somebody = False

    def publish(self, key: str, message: Message) -> None:
        assert isinstance(message, TranscriptChanged)
        assert f"transcript {message.transcript.transcript}" == key
        self.changes.put_nowait(message.transcript)

    @property
    def watched(self) -> bool:
        return self.somebody

    async def next(self) -> TranscriptInfo:
        return await asyncio.wait_for(self.changes.get(), DEADLINE)


class Library:
    """The transcripts of a home."""

    def __init__(self, home: Path, idle: float = 60) -> None:
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TMPDIR": str(home)}
        room = Room("w" + "0" * 24, home, Guests(), Registry(Settings(), {}), environment)
        self.home = home
        self.events = Told()
        self.transcripts = Transcripts(room, self.events, idle)

    async def all(self, **fields: str | int | None) -> list[TranscriptInfo]:
        return (await self.page(**fields)).items

    async def page(self, **fields: str | int | None) -> Listed:
        return await self.transcripts.ask(ListTranscripts(**fields), Listed)  # type: ignore[arg-type]  # as the test says

    async def get(self, transcript: str, after: int = 0, limit: int = 500) -> TranscriptPage:
        return await self.transcripts.ask(GetTranscript(transcript=transcript, after=after, limit=limit), TranscriptPage)

    async def only(self) -> tuple[TranscriptInfo, list[Entry]]:
        """The one transcript that there is."""
        (info,) = await self.all()
        page = await self.get(info.transcript)
        return page.transcript, page.entries

    @property
    def pid(self) -> int:
        running = self.transcripts._running
        assert running is not None
        return running._process.pid

    def memory(self) -> int:
        """The most bytes that the child ever had in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
