"""Prometheus metrics: totals by route, never by tenant."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)
"""Seconds."""


class Metrics:
    """The metrics of this process."""

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        """All zero."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "hostel_http_requests", "Requests that were answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "hostel_http_request_seconds", "Time to answer.", ("route",), buckets=BUCKETS, registry=self._registry
        )
        self._bound: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is the handler's name, so that there are few."""
        bound = self._bound.get((route, status))
        if bound is None:
            bound = self._bound[route, status] = (self._requests.labels(route, str(status)), self._seconds.labels(route))
        bound[0].inc()
        bound[1].observe(seconds)

    def exposition(self) -> bytes:
        """All of them, in Prometheus's text format."""
        return generate_latest(self._registry)
