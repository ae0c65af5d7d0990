import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.controls import (
    CONTROL_MAX,
    AckControl,
    ErrorControl,
    ExitCodeControl,
    ExitSignalControl,
    PingControl,
    PongControl,
    ReadyControl,
    ResizeControl,
    ResumeControl,
    ViewersControl,
    decode,
    encode,
)
from shared.errors import Code, Fault


def test_what_a_client_may_say() -> None:
    assert decode('{"type":"resize","cols":80,"rows":24}') == ResizeControl(cols=80, rows=24)
    assert decode('{"type":"ping"}') == PingControl()
    assert decode('{"type":"resume","after":7}') == ResumeControl(after=7)
    assert decode('{"type":"ack","seq":7}') == AckControl(seq=7)


def test_what_a_server_says() -> None:
    said = [
        ReadyControl(terminal_id="t", seq=1, cols=2, rows=3, viewers=4, read_only=True),
        PongControl(shutdown_deadline=None, printed=None),
        PongControl(shutdown_deadline=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), printed=7),
        ExitCodeControl(code=0),
        ExitSignalControl(signal="SIGKILL"),
        ViewersControl(count=1, cols=2, rows=3),
        ErrorControl(code="limit", message="no", recoverable=True),
    ]
    assert [json.loads(encode(control)) for control in said] == [
        {"type": "ready", "terminalId": "t", "seq": 1, "cols": 2, "rows": 3, "viewers": 4, "readOnly": True},
        {"type": "pong", "shutdownDeadline": None, "printed": None},
        {"type": "pong", "shutdownDeadline": "2026-01-02T03:04:05Z", "printed": 7},
        {"type": "exit", "code": 0},
        {"type": "exit", "signal": "SIGKILL"},
        {"type": "viewers", "count": 1, "cols": 2, "rows": 3},
        {"type": "error", "code": "limit", "message": "no", "recoverable": True},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{}",
        "[]",
        "7",
        "null",
        '{"type":"nonsense"}',
        '{"type":"ready","terminalId":"t","seq":1,"cols":2,"rows":3}',
        '{"type":"ping","more":1}',
        '{"type":"resize","cols":0,"rows":24}',
        '{"type":"resize","cols":-1,"rows":24}',
        '{"type":"resize","cols":1000000000,"rows":24}',
        '{"type":"resize","cols":"80","rows":24}',
        '{"type":"resize","cols":80}',
        '{"type":"resume","after":-1}',
        '{"type":"resume","after":1000000000000000000000000000000}',
        '{"type":"resume","after":1.5}',
        '{"type":"ack"}',
        '{"type":"ack","seq":-1}',
        "[" * 4000,
        '{"type":"ping"' + " " * CONTROL_MAX + "}",
    ],
    ids=lambda text: text[:40],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Fault) as caught:
        decode(text)
    assert caught.value.code in {Code.BAD_REQUEST, Code.TOO_LARGE}


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_fault(text: str) -> None:
    try:
        decode(text)
    except Fault as fault:
        assert fault.code == Code.BAD_REQUEST  # most texts are refused, not all
