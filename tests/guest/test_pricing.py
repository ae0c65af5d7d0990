"""What answers cost; the price list is the library's own, so the tests compare rather than name prices."""

import subprocess
import sys

import pytest

from guest import pricing
from guest.pricing import NAMES_MAX, cost, price
from shared.turns import Usage

USAGE = Usage(input=1000, output=100, cache_read=500)


async def test_a_known_model_has_a_price() -> None:
    assert 0 < (await price(Usage(input=1000, output=100, model="claude-sonnet-4-5")) or 0) < 1


@pytest.mark.parametrize("model", ["nobody-knows-it", "", "a/b/c", "x" * 200, "[1m]", "claude-sonnet-4-5\n\x00", None])
async def test_an_unknown_model_has_none_which_is_not_nothing(model: str | None) -> None:
    found = await price(Usage(input=1000, output=100, model=model))
    assert found is None or found > 0
    if not model or "claude" not in model:
        assert found is None


@pytest.mark.parametrize("name", ["anthropic/claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "anthropic/claude-sonnet-4-5[1m]"])
def test_a_model_is_known_by_the_names_that_agents_give_it(name: str) -> None:
    assert cost(USAGE, "claude-sonnet-4-5", provider="anthropic") == cost(USAGE, name)


def test_cached_tokens_are_cheaper_and_written_ones_dearer() -> None:
    plain, read, written, kept = (
        cost(Usage(input=1000, cache_read=cached, cache_write=made), "claude-sonnet-4-5", hour=hour) or 0
        for cached, made, hour in ((0, 0, 0), (1000, 0, 0), (0, 1000, 0), (0, 1000, 1000))
    )
    assert read < plain < written < kept


def test_more_cached_tokens_than_input_are_no_error() -> None:
    assert (cost(Usage(input=1, cache_read=1000), "claude-sonnet-4-5") or 0) > 0
    assert cost(Usage(input=2**53, output=2**53, cache_read=2**53, cache_write=2**53), "claude-sonnet-4-5", hour=2**53)


def test_made_up_names_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_asked", set())
    assert cost(USAGE, "claude-sonnet-4-5")
    for number in range(NAMES_MAX + 10):
        assert cost(USAGE, f"made-up-{number}") is None
    assert len(pricing._asked) == NAMES_MAX
    assert cost(USAGE, "claude-sonnet-4-5")
    assert cost(USAGE, "gpt-5.5") is None


def test_nothing_slow_is_imported_before_the_first_question() -> None:
    code = "import sys, guest.pricing, guest.transcripts.process; sys.exit(bool({'genai_prices', 'pydantic'} & {*sys.modules}))"
    assert 0 == subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode
