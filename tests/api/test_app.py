"""The middleware, and the sweep of all routes."""

from tests.api.serving import Server


async def test_a_workspace_is_created_and_signed_in_to(server: Server) -> None:
    workspace, token = await server.tenant(name="one")
    status, body, headers = await server.call("GET", f"/api/workspaces/{workspace}", token=token)
    assert (200, "one", '"2"') == (status, body["name"], headers["ETag"])
