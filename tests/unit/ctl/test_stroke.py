"""The stroke messages: every one round-trips, and nothing ill-typed gets through."""

from contextlib import suppress
from dataclasses import fields
from io import BytesIO
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.ctl.frames import ControlError
from cygnet.ctl.stroke import (
    REQUESTS,
    AddConnection,
    End,
    List,
    Request,
    Status,
    UserCredentials,
    decode,
    encode,
    receive,
)

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
REQUEST = st.one_of([st.from_type(message) for message in REQUESTS])


@given(REQUEST)
def test_every_request_round_trips_or_is_refused_for_infinite_times(request_: Request) -> None:
    octets = encode(request_)
    if not all(isfinite(value) for value in _numbers(request_)):
        with pytest.raises(ControlError):
            receive(OctetStream(octets))
        return
    received = receive(OctetStream(octets))
    assert received == request_
    assert type(received) is type(request_)


def test_kinds_are_unique() -> None:
    assert len({message.kind for message in REQUESTS}) == len(REQUESTS)


def test_missing_optional_fields_take_their_defaults() -> None:
    request = decode({"kind": "add-connection", "name": "a", "left": {"address": "192.0.2.1"}})
    assert request == AddConnection("a", left=End(address="192.0.2.1"))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"kind": "nonsense"}, "nonsense"),
        ({"kind": "status", "nmae": "x"}, "nmae"),
        ({"kind": "status", "name": 3}, "Status.name"),
        ({"kind": "status", "all": 1}, "Status.all"),
        ({"kind": "initiate", "name": "a", "level": True}, "Initiate.level"),
        ({"kind": "initiate"}, "Initiate"),
        ({"kind": "list", "kinds": "certs"}, "List.kinds"),
        ({"kind": "list", "kinds": [1]}, "List.kinds"),
        ({"kind": "add-connection", "name": "a", "left": []}, "AddConnection.left"),
        ({"kind": "add-connection", "name": "a", "left": {"id": 1}}, "End.id"),
        ({"kind": "add-connection", "name": "a", "margin_s": "9m"}, "AddConnection.margin_s"),
    ],
)
def test_ill_formed_request_is_refused_naming_the_field(values: dict[str, object], named: str) -> None:
    with pytest.raises(ControlError, match=named):
        decode(values)


@given(st.dictionaries(st.text(), JSON), st.sampled_from([message.kind for message in REQUESTS]))
def test_any_fields_make_a_request_or_a_control_error(values: dict[str, object], kind: str) -> None:
    with suppress(ControlError):
        assert isinstance(decode({**values, "kind": kind}), REQUESTS)


def test_password_does_not_show_in_a_message_for_people() -> None:
    assert "hush" not in repr(UserCredentials("net", "alice", "hush"))


def test_lists_and_flags_survive() -> None:
    for request in (List(("certs", "cacerts"), utc=True), Status("x", all=True)):
        assert receive(OctetStream(encode(request))) == request


class OctetStream:
    """Octets to read, and what was written."""

    def __init__(self, incoming: bytes) -> None:
        self.incoming = BytesIO(incoming)
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, limit: int) -> bytes:
        return self.incoming.read(limit)


def _numbers(request: Request) -> list[float]:
    values = [getattr(request, entry.name) for entry in fields(request)]
    return [value for value in values if isinstance(value, float)]
