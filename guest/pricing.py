"""What an answer of a model costs, by the price list of genai-prices; nothing is asked of the network.

A model that the list does not know has no price, which is not the same as costing nothing. The library takes 0.4 s to import
and 25 MiB: nothing here imports it before the first question.
"""

import asyncio
from datetime import datetime
from typing import Final

from shared.turns import Usage

NAMES_MAX: Final = 1000
"""Models that are ever looked up, since the library remembers each: agents use few, and made-up names get no more memory."""
_asked: Final[set[tuple[str | None, str]]] = set()


async def price(usage: Usage) -> float | None:
    """US dollars for `usage`, which one or more answers of its model used; None when the model has no known price."""
    if usage.model is None:
        return None
    return await asyncio.to_thread(cost, usage, usage.model)


def cost(usage: Usage, model: str, *, provider: str | None = None, hour: int = 0, at: datetime | None = None) -> float | None:
    """US dollars for one answer of `model`, given at `at`; None when it has no known price.

    `provider` as genai-prices names it, else it is guessed from the model. `hour`: how many of the tokens written to the
    cache were to stay for an hour. It blocks for as long as an import takes, the first time.
    """
    from genai_prices import Usage as Tokens  # noqa: PLC0415  # slow, see above

    written = min(hour, usage.cache_write)
    tokens = Tokens(
        # Agents that leave the cached ones out of `input` must not make it negative.
        input_tokens=max(usage.input, usage.cache_read + usage.cache_write),
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=written,
    )
    for named, by in _names(model, provider):
        if (dollars := _ask(tokens, named, by, at)) is not None:
            return dollars
    return None


def _names(model: str, provider: str | None) -> list[tuple[str, str | None]]:
    """The names by which the list may know the model: `vendor/model` also without its vendor, and without `[1m]`."""
    plain = model.partition("[")[0].strip()
    names = [(plain, provider)]
    vendor, slash, rest = plain.partition("/")
    if slash:
        names += [(rest, vendor), (plain, "openrouter")]
    return names


def _ask(tokens: object, model: str, provider: str | None, at: datetime | None) -> float | None:
    from genai_prices import calc_price  # noqa: PLC0415  # slow, see above

    name = (provider, model)
    if name not in _asked and len(_asked) >= NAMES_MAX:
        return None
    _asked.add(name)
    try:
        found = calc_price(tokens, model, provider_id=provider, genai_request_timestamp=at)
    except (LookupError, ValueError, ArithmeticError):
        return None
    return float(found.total_price)
