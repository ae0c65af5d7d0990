from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Protocol

import pytest

from tests.guest.harness import Guest, repository
from tests.guest.work import Worker


class MakeGuest(Protocol):
    def __call__(self, **settings: Any) -> Guest: ...  # noqa: ANN401  # as in the file


@pytest.fixture
def make_guest() -> Iterator[MakeGuest]:
    """Starts guests with settings, and ends them."""
    guests: list[Guest] = []

    def make(**settings: Any) -> Guest:  # noqa: ANN401  # as in the file
        # A Unix socket's path is short; that of tmp_path need not be.
        guests.append(Guest(Path(mkdtemp(prefix="guest-")), **settings))
        return guests[-1].start()

    yield make
    for guest in guests:
        guest.stop()


@pytest.fixture
def guest(make_guest: MakeGuest) -> Guest:
    return make_guest()


class MakeWorker(Protocol):
    def __call__(self, **settings: Any) -> Worker: ...  # noqa: ANN401  # as in the file


@pytest.fixture
def make_worker() -> Iterator[MakeWorker]:
    """Starts guests that have fake agents, and ends them."""
    workers: list[Worker] = []

    def make(**settings: Any) -> Worker:  # noqa: ANN401  # as in the file
        workers.append(Worker(Path(mkdtemp(prefix="guest-")), **settings))
        return workers[-1].start()

    yield make
    for worker in workers:
        worker.stop()


@pytest.fixture
def worker(make_worker: MakeWorker) -> Worker:
    return make_worker()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return repository(tmp_path / "upstream")
