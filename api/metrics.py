"""Prometheus metrics: totals by route, never by tenant."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

BUCKETS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)
"""Seconds."""


class Metrics(Collector):
    """The metrics of this process.

    The library's own counters take a lock for each of the numbers, which costs a twentieth of an authenticated read; here one
    thread counts, and reads.
    """

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        """All zero."""
        self._requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is the handler's name, so that there are few."""
        self._requests[route, status] += 1
        self._counts[route][bisect_left(BUCKETS, seconds)] += 1
        self._seconds[route] += seconds

    def exposition(self) -> bytes:
        """All of them, in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What the registry asks for."""
        requests = CounterMetricFamily("hostel_http_requests", "Requests that were answered.", labels=("route", "status"))
        for (route, status), count in self._requests.items():
            requests.add_metric((route, str(status)), count)
        yield requests
        seconds = HistogramMetricFamily("hostel_http_request_seconds", "Time to answer.", labels=("route",))
        bounds = [*(str(float(bound)) for bound in BUCKETS), "+Inf"]
        for route, counts in self._counts.items():
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            seconds.add_metric((route,), buckets, sum_value=self._seconds[route])
        yield seconds
