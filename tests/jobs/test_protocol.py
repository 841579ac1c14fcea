"""Every message survives its line, and no line can break the reader."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.jobs.errors import ProtocolError
from server.jobs.protocol import KINDS, Answer, Ask, Cancel, Done, Happened, Hello, Ready, Run, Shutdown, decode, encode

MESSAGES = [
    Hello({"uploads": "/u"}, "/c", ("/packs",), None, "auto", 1, 2),
    Ask(1, "check", "{}", {"prompt": "räksmörgås \ud800 \n"}),
    Ask(2, "plan", "{}", {}, ("a", "b/c")),
    Run("a", "{}"),
    Run("a", "{}", ("denoise",)),
    Cancel("a"),
    Shutdown(),
    Ready(1, "cpu", "d"),
    Answer(1, {"x": [1]}, None),
    Happened("a", {"kind": "node_log", "message": "\u2028"}),
    Done("a", "failed", {"code": "c"}),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
def test_a_message_is_read_back_as_it_was_written(message):
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_every_kind_of_message_is_tried_above():
    assert {message.kind for message in MESSAGES} == set(KINDS)


def test_a_number_that_json_does_not_know_becomes_null():
    line = encode(Happened("a", {"kind": "x", "value": math.nan, "more": [math.inf]}))
    assert json.loads(line)["event"] == {"kind": "x", "value": None, "more": [None]}


json_values = st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps(value).encode()
)


@given(st.binary() | json_values)
def test_garbage_is_refused_as_garbage(line):
    with pytest.raises(ProtocolError):
        decode(line)
