"""How the resource of a path is found."""

import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request

from api.app import build, routes
from api.paths import Paths
from tests.api.serving import Server


async def _nothing(_request: web.Request) -> web.Response:
    return web.Response()


def _paths(*given: str) -> Paths:
    paths = Paths("/api")
    for path in given:
        paths.add(path).add_route(hdrs.METH_GET, _nothing)
    return paths


async def _found(paths: Paths, path: str, method: str = hdrs.METH_GET) -> tuple[str, dict[str, str]] | set[str]:
    """The resource and the parameters, or the methods that the path has."""
    match, methods = await paths.resolve(make_mocked_request(method, path))
    if match is None:
        return methods
    assert match.route.resource is not None
    return match.route.resource.canonical, dict(match)


async def test_every_route_is_found_at_its_own_path(server: Server) -> None:
    app = build(server.services)
    for route in (route for route in routes() if "{" in route.path and not route.hidden):
        given = {name: f"a%2F{number}" for number, name in enumerate(route.params)}
        match = await app.router.resolve(make_mocked_request(route.method, route.path.format(**given)))
        assert match.http_exception is None, route.path
        assert match.route.resource is not None
        assert route.path == match.route.resource.canonical
        assert [f"a/{number}" for number in range(len(given))] == list(match.values())


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/a", "/api/a/", "/api/a/1/", "/api/a/1/b/", "/api/a//b", "/api/a/1/c", "/api/a/1/b/2", "/api/a/{}/"],
)
async def test_a_path_that_is_none_has_no_resource_and_no_methods(path: str) -> None:
    assert set() == await _found(_paths("/api/a/{x}", "/api/a/{x}/b"), path)


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    assert {hdrs.METH_GET} == await _found(_paths("/api/a/{x}"), "/api/a/1", hdrs.METH_PUT)


@pytest.mark.parametrize("order", [1, -1])
async def test_a_word_goes_before_a_parameter(order: int) -> None:
    paths = _paths(*("/api/a/{x}/c", "/api/a/b/{y}")[::order])
    assert ("/api/a/{x}/c", {"x": "1"}) == await _found(paths, "/api/a/1/c")
    assert ("/api/a/b/{y}", {"y": "c"}) == await _found(paths, "/api/a/b/c")


async def test_an_encoded_slash_is_of_one_part() -> None:
    assert ("/api/a/{x}/b", {"x": "1/b"}) == await _found(_paths("/api/a/{x}", "/api/a/{x}/b"), "/api/a/1%2Fb/b")
