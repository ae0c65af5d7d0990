"""The document is whole, and says what the server does."""

import inspect
import json
from typing import Any

import pytest

from api import openapi
from api.app import routes
from api.auth import Scope

DOCUMENT: dict[str, Any] = json.loads(openapi.document(routes()))


def references(value: object) -> set[str]:
    """Every `$ref` in `value`."""
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_route_is_in_it_but_the_hidden() -> None:
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert {(r.method, r.path) for r in routes() if not r.hidden} == documented


def test_every_reference_leads_somewhere() -> None:
    assert references(DOCUMENT) <= {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}


@pytest.mark.parametrize("found", [r for r in routes() if not r.hidden], ids=lambda r: r.name)
def test_an_operation_is_documented(found: Any) -> None:  # noqa: ANN401  # a Route
    operation = DOCUMENT["paths"][found.path][found.method.lower()]
    assert operation["summary"]
    assert inspect.cleandoc(operation["description"]) == operation["description"] != ""
    assert found.websocket or ([] if found.scope is Scope.PUBLIC else [{"token": []}, {"cookie": []}]) == operation["security"]
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            assert ["application/problem+json"] == list(answer["content"])


def test_a_type_is_called_by_its_own_name() -> None:
    assert [] == [name for name in DOCUMENT["components"]["schemas"] if "." in name]


def test_each_event_of_a_stream_says_of_which_type_its_data_is() -> None:
    content = DOCUMENT["paths"]["/api/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]["schema"]["anyOf"]
    told = {event["properties"]["event"]["const"]: event["properties"]["data"]["contentSchema"] for event in content}
    assert {"$ref": "#/components/schemas/SessionView"} == told["session"]
    assert {"$ref": "#/components/schemas/DeadlineView"} == told["deadline"]
    log = "/api/workspaces/{workspaceId}/sessions/{sessionId}/events"
    content = DOCUMENT["paths"][log]["get"]["responses"]["200"]["content"]["text/event-stream"]["schema"]["anyOf"]
    assert {"$ref": "#/components/schemas/MessageView"} in content[0]["properties"]["data"]["contentSchema"]["anyOf"]
    assert ["data"] == content[0]["required"]


def test_a_credential_is_never_in_an_answer() -> None:
    text = json.dumps(DOCUMENT["components"]["schemas"]["ProviderAuthState"])
    assert "value" not in text


def test_names_of_operations_are_unique() -> None:
    names = [found.name for found in routes()]
    assert sorted(set(names)) == sorted(names)
