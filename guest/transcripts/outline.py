"""Where the entries of a transcript are, so that any page of it is read without the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from msgspec import Struct

from guest.transcripts.parsed import Answer, Parsed, Piece
from guest.transcripts.tally import priced
from shared.transcripts import ENTRIES_MAX, Entry, EntryRole

_RESULTS_MAX: Final = 4
"""Records that tell of one tool call's result."""

Spot: TypeAlias = tuple[int, int]
"""Where a record is: offset and length in its file, or row and 0."""


class Place(Struct):
    """Where an entry is: its record, and which piece of it."""

    spot: Spot
    piece: int
    results: tuple[tuple[Spot, int], ...] = ()
    answer: tuple[Answer, str | None, str | None] | None = None
    """The answer that it ends, with the model and the time that it had."""


@dataclass(slots=True)
class Outline:
    """The places of all entries."""

    model: str | None = None
    complete: bool = True
    _groups: list[list[Place]] = field(default_factory=list)
    _keys: dict[str, int] = field(default_factory=dict)
    _calls: dict[str, Place] = field(default_factory=dict)
    _answers: dict[str, Place] = field(default_factory=dict)
    _flat: list[Place] | None = None
    _count: int = 0

    @property
    def places(self) -> list[Place]:
        """In order."""
        if self._flat is None:
            self._flat = [place for group in self._groups for place in group]
        return self._flat

    def __len__(self) -> int:
        """How many entries there are."""
        return self._count

    def add(self, record: Parsed, spot: Spot) -> None:
        """Add the record that is at `spot`."""
        if record.whole is not None:
            self._groups, self._keys, self._calls, self._answers, self._count = [], {}, {}, {}, 0
        self.model = record.model or self.model
        first = 0
        for inner in parts(record):
            self._add(inner, spot, first)
            first += len(inner.pieces)

    def _add(self, record: Parsed, spot: Spot, first: int) -> None:
        group: list[Place] = []
        for number, piece in enumerate(record.pieces, first):
            if piece.role is None:
                call = self._calls.get(piece.call)
                if call and len(call.results) < _RESULTS_MAX:
                    call.results += ((spot, number),)
                continue
            place = Place(spot, number)
            group.append(place)
            if piece.role is EntryRole.TOOL and piece.call:
                self._calls[piece.call] = place
        self._keep(record.key, group)
        if record.answer:
            self._end(record.answer, group, record.at)

    def _keep(self, key: str, group: list[Place]) -> None:
        known = self._keys.get(key) if key else None
        before = 0 if known is None else len(self._groups[known])
        if self._count - before + len(group) > ENTRIES_MAX:
            self.complete = False
            del group[ENTRIES_MAX - self._count + before :]
        self._count += len(group) - before
        if known is not None:
            self._groups[known] = group
            self._flat = None
        elif group:
            if key:
                self._keys[key] = len(self._groups)
            self._groups.append(group)
            if self._flat is not None:
                self._flat += group

    def _end(self, answer: Answer, group: list[Place], at: str | None) -> None:
        """Note the usage at the answer's last entry."""
        last = group[-1] if group else self._groups[-1][-1] if self._groups and self._groups[-1] else None
        if last is None:
            return
        if answer.id:
            if before := self._answers.get(answer.id):
                before.answer = None
            self._answers[answer.id] = last
        last.answer = (answer, self.model, at)

    def read(self, after: int, load: Callable[[Spot], Parsed]) -> Iterator[Entry]:
        """The entries that follow number `after`; `load` reads a record again. What has gone meanwhile is an empty entry."""
        for seq, place in enumerate(self.places[after:], after + 1):
            try:
                yield _entry(seq, place, load)
            except (OSError, ValueError, RecursionError, IndexError):
                yield Entry(seq=seq, role=EntryRole.ASSISTANT, truncated=True)


def parts(record: Parsed) -> tuple[Parsed, ...]:
    """A record, or the records in it."""
    return (record,) if record.whole is None else record.whole


def _piece(record: Parsed, number: int) -> tuple[Piece, Parsed]:
    for inner in parts(record):
        if number < len(inner.pieces):
            return inner.pieces[number], inner
        number -= len(inner.pieces)
    raise IndexError


def _entry(seq: int, place: Place, load: Callable[[Spot], Parsed]) -> Entry:
    piece, record = _piece(load(place.spot), place.piece)
    if piece.role is None:
        raise ValueError("another record is in its place")
    output, error, truncated = piece.output, piece.error, piece.truncated
    for spot, number in place.results:
        result, _ = _piece(load(spot), number)
        output = output if result.output is None else result.output
        error, truncated = error or result.error, truncated or result.truncated
    return Entry(
        seq=seq,
        role=piece.role,
        at=record.at,
        text=piece.text,
        name=piece.name,
        input=piece.input,
        output=output,
        error=error,
        truncated=truncated,
        sidechain=record.sidechain,
        usage=priced(*place.answer) if place.answer else None,
    )
