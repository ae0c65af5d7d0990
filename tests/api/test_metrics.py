"""The figures of requests, as Prometheus reads them."""

import math

from prometheus_client.parser import text_string_to_metric_families

from api.metrics import BUCKETS, Metrics


def _samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("hostel_")
    }


def test_each_bucket_counts_what_took_no_longer_than_its_bound() -> None:
    metrics = Metrics()
    took = (0.0005, BUCKETS[0], BUCKETS[0] + 1e-9, 0.3, BUCKETS[-1] + 1)
    for seconds in took:
        metrics.answered("get_workspace", 200, seconds)
    samples = _samples(metrics)
    name = "hostel_http_request_seconds"
    for bound in (*BUCKETS, math.inf):
        told = "+Inf" if bound == math.inf else str(float(bound))
        assert sum(seconds <= bound for seconds in took) == samples[f"{name}_bucket", told, "get_workspace"]
    assert len(took) == samples[f"{name}_count", "get_workspace"]
    assert sum(took) == samples[f"{name}_sum", "get_workspace"]


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics()
    for route, status in (("one", 200), ("one", 200), ("one", 404), ("two", 200)):
        metrics.answered(route, status, 0.1)
    samples = _samples(metrics)
    found = {key[1:]: value for key, value in samples.items() if key[0] == "hostel_http_requests_total"}
    assert {("one", "200"): 2, ("one", "404"): 1, ("two", "200"): 1} == found
