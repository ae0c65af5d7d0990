"""Rate limits."""

import time
from pathlib import Path

import pytest
from limits import parse

from api import ratelimit
from api.ratelimit import KEYS_MAX, RateLimiter, Windows
from shared.config import ConfigError
from shared.settings import Api, RateLimits
from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving

LOGIN = {"workspaceId": "w" + "0" * 24, "workspaceSecret": "hws_x"}


async def logins(server: Server, count: int, **headers: str) -> list[int]:
    return [(await server.call("POST", "/api/workspaces/login", LOGIN, **headers))[0] for _ in range(count)]


async def test_sign_in_is_limited_by_address_and_says_when_to_try_again(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, Api(rate_limits=RateLimits(login="3/minute"))) as server:
        assert [401] * 3 == await logins(server, 3)
        status, body, headers = await server.call("POST", "/api/workspaces/login", LOGIN)
        assert (429, "rate_limited", "3", "0") == (
            status,
            body["code"],
            headers["RateLimit-Limit"],
            headers["RateLimit-Remaining"],
        )
        assert 1 <= int(headers["Retry-After"]) <= 60


async def test_a_token_that_is_good_is_no_guess_and_not_counted(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, Api(rate_limits=RateLimits(redeem="3/minute"))) as server:
        for _ in range(5):
            assert await server.admin()
        bad = [(await server.call("POST", "/api/auth/redeem", {"token": "hinv_wrong"}))[0] for _ in range(4)]
        assert [401, 401, 401, 429] == bad


async def test_every_reply_says_what_is_left(server: Server) -> None:
    _, _, headers = await server.call("GET", "/healthz")
    assert int(headers["RateLimit-Limit"]) > int(headers["RateLimit-Remaining"])
    assert "RateLimit-Reset" in headers


async def test_a_principal_has_a_limit_of_its_own(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, Api(rate_limits=RateLimits(request="20/minute"))) as server:
        (_, one), (_, two) = await server.tenant(), await server.tenant()
        statuses = [(await server.call("GET", "/api/auth/me", token=one))[0] for _ in range(21)]
        assert [200] * 20 + [429] == statuses
        assert 200 == (await server.call("GET", "/api/auth/me", token=two))[0]


async def test_wrong_tokens_are_counted_by_address(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, Api(rate_limits=RateLimits(request="5/minute"))) as server:
        statuses = [(await server.call("GET", "/api/auth/me", token=f"x{n}"))[0] for n in range(6)]
        assert [401] * 5 + [429] == statuses


async def test_a_client_cannot_claim_another_address(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, Api(rate_limits=RateLimits(login="2/minute"))) as server:
        assert [401, 401, 429] == [(await logins(server, 1, X_Forwarded_For=f"10.0.0.{n}"))[0] for n in range(3)]


async def test_behind_a_trusted_proxy_its_word_counts_and_no_other(tmp_path: Path, host: FakeHost) -> None:
    api = Api(trusted_proxies=1, rate_limits=RateLimits(login="2/minute"))
    async with serving(tmp_path, host, api) as server:
        forged = [f"1.2.3.{n}, 10.0.0.1" for n in range(3)]
        assert [401, 401, 429] == [(await logins(server, 1, X_Forwarded_For=value))[0] for value in forged]
        assert [401] == await logins(server, 1, X_Forwarded_For="10.0.0.2")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8::1:2", "2001:db8::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("x" * 1000, "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_is_counted_as_what_one_host_has(address: str, key: str) -> None:
    assert key == ratelimit._network(address)


def test_a_flood_of_keys_takes_no_more_memory_and_leaves_the_known_alone() -> None:
    windows = Windows(parse("5/minute"))
    assert 4 == windows.hit("known").remaining
    for n in range(KEYS_MAX + 1000):
        windows.hit(f"k{n}")
    assert KEYS_MAX + 1 >= len(windows._windows)
    assert 0 > windows.hit("another").remaining
    assert 3 == windows.hit("known").remaining


def test_a_window_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "time", lambda: now)
    windows = Windows(parse("1/minute"))
    assert [0, -1] == [windows.hit("a").remaining, windows.hit("a").remaining]
    now += 60
    assert 0 == windows.hit("a").remaining


def test_a_limit_that_cannot_be_read_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"api\.rate_limits\.login"):
        RateLimiter(RateLimits(login="often"))


def test_a_clock_that_is_set_back_shuts_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    windows, now = Windows(parse("2/minute")), time.time()
    for seconds, remaining in ((0, 1), (1, 0), (2, -1), (-3600, 1), (-3599, 0), (-3598, -1), (-3500, 1)):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: now + seconds)
        assert windows.at("x").remaining == max(0, remaining + 1)
        assert remaining == windows.hit("x").remaining
