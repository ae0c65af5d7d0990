"""A secret does not get out by printing, formatting, logging, pickling or JSON."""

import io
import json
import pickle

import msgspec
import pytest
import structlog

from shared import log
from shared.secret import Secret

TEXT = "sentinel-secret"


def test_printing_shows_a_mask() -> None:
    secret = Secret(TEXT)
    assert ["****"] * 4 == [str(secret), repr(secret), f"{secret}", f"{secret!r}"]
    assert TEXT == secret.reveal()


def test_equality_is_by_text() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT
    assert 1 == len({Secret(TEXT), Secret(TEXT)})


def test_it_cannot_be_pickled_or_written_as_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(TEXT))
    with pytest.raises(TypeError):
        msgspec.json.encode({"a": Secret(TEXT)})


def test_the_logger_masks_it_at_any_depth(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("test")
    try:
        log.logger().warning("event", secret=Secret(TEXT), nested={"deep": [Secret(TEXT)]})
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
    line = capsys.readouterr().err
    assert TEXT not in line
    assert "****" == json.loads(line)["secret"]
    assert io.StringIO(line).readline() == line
