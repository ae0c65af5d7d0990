"""Which names and which sites are welcome."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.origin import Origins
from shared.settings import Api

ORIGINS = Origins(Api(hosts=("hostel.example.com", "other.example:8443")))
LOCAL = "192.168.1.5"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "127.0.0.1:1",
        "[::1]:8080",
        "HOSTEL.example.com",
        "hostel.example.com:444",
        "other.example:8443",
        LOCAL,
    ],
)
def test_our_names_are_welcome(host: str) -> None:
    assert ORIGINS._decide(host, None, LOCAL) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "hostel.example.com.evil.example",
        "evil.example#hostel.example.com",
        "user@localhost",
        "localhost:",
        "localhost:x",
        "localhost/",
        "other.example",
        "192.168.1.6",
        "0x7f000001",
        "[::1",
        "[::1%$(id)]",
        "$(id)[::1]",
        "[::1]`id`",
        'localhost"',
        "localhost:8080\n",
        "localhost:+80",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert ORIGINS._decide(host, None, LOCAL) is not None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("hostel.example.com", "https://hostel.example.com"),
        ("hostel.example.com", "http://hostel.example.com:80"),
        ("127.0.0.1:8080", "https://hostel.example.com"),
        ("127.0.0.1:8080", "https://other.example:8443"),
    ],
)
def test_our_own_pages_are_welcome(host: str, origin: str) -> None:
    assert ORIGINS._decide(host, origin, LOCAL) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "http://localhost:3000",
        "http://localhost",
        "http://127.0.0.1:8080",
        "https://hostel.example.com:444",
        "http://localhost:8080.evil.example",
        "http://localhost:8080@evil.example",
        "http://localhost:8080/",
        "ftp://localhost:8080",
        "localhost:8080",
    ],
)
def test_the_pages_of_other_sites_and_ports_are_refused(origin: str) -> None:
    assert ORIGINS._decide("localhost:8080", origin, LOCAL) is not None


@pytest.mark.parametrize(
    "public", ["https://hostel.example.com", "https://HOSTEL.example.com/", "https://hostel.example.com:443/x"]
)
def test_behind_tls_a_page_without_it_is_another_site(public: str) -> None:
    """Whoever is between a browser and us writes such a page; the proxy tells us of no port that would give it away."""
    origins = Origins(Api(hosts=("hostel.example.com",), public_url=public))
    for page in ("http://hostel.example.com", "http://hostel.example.com:80"):
        assert origins._decide("hostel.example.com", page, LOCAL) is not None
    assert origins._decide("hostel.example.com", "https://hostel.example.com", LOCAL) is None
    assert origins._decide("hostel.example.com:8080", "http://hostel.example.com:8080", LOCAL) is None
    assert origins._decide("localhost:8080", "http://localhost:8080", LOCAL) is None


@given(st.text(), st.none() | st.text())
def test_any_text_is_decided(host: str, origin: str | None) -> None:
    ORIGINS._decide(host, origin, LOCAL)
