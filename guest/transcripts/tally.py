"""What is known of a transcript without its entries; made record by record, so that what a file gains is all that is read."""

from copy import copy
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from guest.pricing import cost
from guest.transcripts.parsed import Answer, Parsed
from shared.transcripts import MODELS_MAX, TITLE_MAX, EntryRole, ModelName, Native, Number
from shared.turns import Time, Usage

_RECENT_MAX: Final = 8
"""Answers and messages that a later record may still replace; agents replace the last few."""
CWD_MAX: Final = 4096

Floats = Annotated[float, Meta(ge=0)]


class Share(Struct, gc=False, array_like=True):
    """What one answer or message adds to the whole."""

    user: int = 0
    assistant: int = 0
    thinking: int = 0
    tools: int = 0
    answers: int = 0
    priced: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost: float = 0.0

    def add(self, other: "Share", sign: int = 1) -> None:
        """Add what `other` has, or take it away again."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + sign * getattr(other, name))


class Tally(Struct, omit_defaults=True):
    """All that a list shows of a transcript."""

    native: Native = ""
    title: Annotated[str, Meta(max_length=TITLE_MAX)] = ""
    cwd: Annotated[str, Meta(max_length=CWD_MAX)] | None = None
    started: Time | None = None
    updated: Time | None = None
    total: Share = field(default_factory=Share)
    recent: dict[str, Share] = field(default_factory=dict)
    models: Annotated[list[ModelName], Meta(max_length=MODELS_MAX)] = field(default_factory=list)
    model: ModelName | None = None
    stated: Floats | None = None
    stated_of: Share = field(default_factory=Share)
    """What there was when the agent stated its cost: what comes after is added to it. A process that was started later may
    state no more than its own answers; then the prices of all of them come to more."""
    subagent: bool = False
    skipped: Number = 0

    def add(self, record: Parsed) -> None:
        """Add a record."""
        if record.whole is not None:
            self.total, self.recent = Share(), {}
            self.stated, self.stated_of = None, Share()
            for inner in record.whole:
                self.add(inner)
            return
        self.skipped += record.damaged
        if record.at is not None:
            self.started = self.started or record.at
            self.updated = max(self.updated or "", record.at)
        self.native = self.native or (record.native or "")[:200]
        self.cwd = self.cwd or (record.cwd or "")[:CWD_MAX] or None
        self.model = record.model or self.model
        if record.stated is not None:
            self.stated, self.stated_of = record.stated, copy(self.total)
        self.subagent = self.subagent or record.subagent
        self._count(record)

    def _count(self, record: Parsed) -> None:
        share = Share() if record.key else self.total
        for piece in record.pieces:
            match piece.role:
                case EntryRole.USER:
                    share.user += 1
                    self.title = self.title or _title(piece.text)
                case EntryRole.ASSISTANT:
                    share.assistant += 1
                case EntryRole.THINKING:
                    share.thinking += 1
                case EntryRole.TOOL:
                    share.tools += 1
                case None:
                    pass
        answer = record.answer
        if record.key:
            if answer:
                share.add(self._share(answer, record.at))
            self._replace(record.key, share)
        elif answer:
            self._replace(answer.id, self._share(answer, record.at))

    def _share(self, answer: Answer, at: str | None) -> Share:
        usage = priced(answer, self.model, at)
        if usage.model and usage.model not in self.models and len(self.models) < MODELS_MAX:
            self.models.append(usage.model)
        return Share(
            answers=1,
            priced=int(usage.cost is not None),
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            cost=usage.cost or 0.0,
        )

    def _replace(self, key: str, share: Share) -> None:
        if key:
            if before := self.recent.pop(key, None):
                self.total.add(before, -1)
            elif len(self.recent) >= _RECENT_MAX:
                del self.recent[next(iter(self.recent))]
            self.recent[key] = share
        self.total.add(share)

    @property
    def usage(self) -> Usage:
        """Of all answers; the cost is None when neither the agent states it nor any answer has a price."""
        total = self.total
        dollars = total.cost if total.priced else None
        if self.stated is not None:
            dollars = max(self.stated, self.stated_of.cost) + total.cost - self.stated_of.cost
        return Usage(
            input=total.input,
            output=total.output,
            cache_read=total.cache_read,
            cache_write=total.cache_write,
            cost=None if dollars is None else max(dollars, 0.0),  # what was added and taken away again leaves a rest
        )

    @property
    def unpriced(self) -> int:
        """Answers whose cost is not known, nor in what the agent states."""
        total, stated = self.total, self.stated_of
        return max(total.answers - total.priced - (stated.answers - stated.priced), 0)


def priced(answer: Answer, model: str | None, at: str | None) -> Usage:
    """The usage of an answer with its cost: the agent's own, else by the price list, else None."""
    usage = answer.usage
    name = usage.model or model
    dollars = usage.cost
    if dollars is None and name:
        when = datetime.fromisoformat(at) if at else None
        dollars = cost(usage, name, provider=answer.provider, hour=answer.hour, at=when)
    return Usage(
        input=usage.input,
        output=usage.output,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        cost=dollars,
        model=name,
    )


def _title(text: str) -> str:
    """The beginning in one line; "" for what an agent's own program says as the user, such as `<command-name>`."""
    return "" if text.startswith("<") else " ".join(text[: 4 * TITLE_MAX].split())[:TITLE_MAX]
