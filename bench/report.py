"""Prints figures as they are measured, each with its budget."""

import statistics
from collections.abc import Sequence
from pathlib import Path


def rss(pid: int) -> int:
    """Resident bytes of a process. Source: proc(5)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{pid} has no resident memory")


class Report:
    """Lines of a table; `missed` counts the budgets that were not kept."""

    def __init__(self) -> None:
        """Print the head of the table."""
        self.missed = 0
        self._line("figure", "measured", "beside", "ratio", "budget", "")

    def ratio(
        self,
        name: str,
        pairs: Sequence[tuple[float, float]],
        unit: str,
        *,
        peer: str,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """Pairs of a figure and its peer's, measured in turn; the budget is on the median of their ratios.

        A machine whose speed drifts does so for both of a pair.
        """
        value = statistics.median(ours / theirs for ours, theirs in pairs)
        ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
        kept = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        budget = f">= {at_least:.2f}" if at_least is not None else f"<= {at_most:.2f}"
        self._judge(kept, name, f"{ours:.1f} {unit}", f"{theirs:.1f} {unit} ({peer})", f"{value:.2f}", budget)

    def limit(self, name: str, value: float, unit: str, most: float, note: str = "") -> None:
        """A figure with a budget of its own."""
        self._judge(value <= most, name, f"{value:.1f} {unit}", note, "", f"<= {most} {unit}")

    def _judge(self, kept: bool, *cells: str) -> None:
        self.missed += not kept
        self._line(*cells, "ok" if kept else "MISSED")

    def _line(self, *cells: str) -> None:
        print("{:32} {:>14} {:>34} {:>7} {:>12}  {}".format(*cells), flush=True)
