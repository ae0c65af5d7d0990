"""The table of verbs is closed on both sides."""

import inspect
from typing import get_type_hints

import pytest

from hostd.verbs import Verbs
from shared.hostwire import HOST


def test_every_verb_has_a_handler_of_its_name_that_takes_its_request() -> None:
    for name, verb in HOST.verbs.items():
        handler = inspect.unwrap(getattr(Verbs, name))
        parameter = list(inspect.signature(handler).parameters)[1]
        assert verb.request is get_type_hints(handler)[parameter]


def test_a_missing_handler_is_an_error_at_the_start() -> None:
    class Missing:
        pass

    with pytest.raises(RuntimeError, match="create_workspace"):
        HOST.handlers(Missing(), beside="answer")


def test_a_handler_without_a_verb_is_an_error_at_the_start() -> None:
    async def handler() -> None:
        pass

    extra = type("Extra", (), dict.fromkeys((*HOST.verbs, "become_root"), staticmethod(handler)))
    with pytest.raises(RuntimeError, match="become_root"):
        HOST.handlers(extra(), beside="answer")


def test_no_audited_field_is_a_secret() -> None:
    for verb in HOST.verbs.values():
        for field in verb.audit or ():
            assert "Secret" not in str(get_type_hints(verb.request, include_extras=True)[field]), (verb.name, field)
