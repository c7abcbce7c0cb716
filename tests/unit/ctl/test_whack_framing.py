"""whack messages: every request survives the way, versions are told apart, codes become an exit status."""

import io
from contextlib import suppress
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.ctl import stroke, whack, whack_codes
from cygnet.ctl.frames import ControlError, NothingAskedError
from cygnet.ctl.whack import AddConnection, End, Options, Shutdown, Status
from cygnet.ctl.whack_codes import Rc, exit_status
from cygnet.ctl.whack_framing import KINDS, ORDER, encode, receive


class Stream:
    """A socket that has these octets, and delivers them in small pieces."""

    def __init__(self, octets: bytes) -> None:
        self._octets = io.BytesIO(octets)

    def recv(self, limit: int) -> bytes:
        return self._octets.read(min(limit, 7))

    def sendall(self, data: bytes) -> None:
        raise AssertionError


def example(message):
    """One with a value other than the default in every field."""
    values = {}
    for entry in fields(message):
        kind = entry.type
        if is_dataclass(kind):
            values[entry.name] = example(kind)
        else:
            values[entry.name] = {str: "text ü", int: 7, bool: True, float: 1.5}.get(kind, ("a", "b"))
    return message(**values)


@pytest.mark.parametrize("message", KINDS.values(), ids=lambda message: message.__name__)
def test_every_request_survives_the_way(message) -> None:
    request = example(message)
    assert receive(Stream(encode([request]))) == (request,)


def test_several_requests_travel_together_in_their_order() -> None:
    requests = (Options(("none",)), AddConnection("a", End("192.0.2.1"), End("%any")), Status("a"))
    assert receive(Stream(encode(requests))) == requests


def test_every_request_has_its_number_and_its_place() -> None:
    assert set(ORDER) == set(KINDS.values()) and len(ORDER) == len(KINDS)
    assert ORDER[-1] is Shutdown
    assert ORDER.index(whack.DeleteConnection) < ORDER.index(AddConnection)


def test_message_for_stroke_is_told_from_one_for_whack() -> None:
    with pytest.raises(ControlError, match="no whack message"):
        receive(Stream(stroke.encode(stroke.Status())))


def other_layout(octets: bytes) -> bytes:
    return octets[:3] + b"\xc8" + octets[4:]


def test_other_version_can_be_asked_for_its_status_and_ended() -> None:
    requests = (Status(), Shutdown())
    assert receive(Stream(other_layout(encode(requests)))) == requests


def test_other_version_is_told_nothing_else() -> None:
    with pytest.raises(ControlError, match="layout 200, pluto 2"):
        receive(Stream(other_layout(encode([whack.Listen()]))))


@pytest.mark.parametrize("count", [0, 65])
def test_number_of_requests_has_limits(count: int) -> None:
    with pytest.raises(ControlError, match="1 to 64 requests"):
        encode([Status()] * count)
    octets = encode([Status()])
    with pytest.raises(ControlError, match="1 to 64 requests"):
        receive(Stream(octets[:8] + bytes([count]) + octets[9:]))


def test_too_long_a_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(ControlError, match="longer than"):
        receive(Stream(b"whk\2" + b"\xff" * 4 + b"\1"))


def test_unknown_request_is_refused() -> None:
    with pytest.raises(ControlError, match="unknown whack request 99"):
        receive(Stream(b"whk\2" + b"\0\0\0\1" + b"\1" + b"\x63"))


def test_client_without_a_word_is_told_from_one_that_breaks_off() -> None:
    with pytest.raises(NothingAskedError):
        receive(Stream(b""))
    with pytest.raises(ControlError, match="before its message was complete"):
        receive(Stream(encode([Status()])[:-1]))


@given(st.binary(max_size=200))
def test_any_octets_are_a_message_or_a_control_error(octets: bytes) -> None:
    for data in (octets, b"whk\2" + len(octets).to_bytes(4, "big") + b"\1" + octets):
        with suppress(ControlError):
            receive(Stream(data))


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ((), 0),
        ((0, 2), 0),
        ((102, 104, 4), 0),
        ((102, 10, 31), 31),
        ((21,), 21),
        ((224, 2, 0, 40), 224),
        ((4, 3), 3),
        ((16584,), 255),
    ],
)
def test_last_significant_code_is_the_exit_status(codes: tuple[int, ...], status: int) -> None:
    assert exit_status(codes) == status


def test_lines_carry_their_code() -> None:
    assert whack_codes.line_octets(Rc.COMMENT, "one\ntwo") == b"000 one\n000 two\n"
    assert whack_codes.line_octets(Rc.LOG, "") == b"002 \n"
    assert [whack_codes.code_of(line) for line in ("004 x", "16584 y", "031 ")] == [4, 16584, 31]
    for line in ("x", "12", "00x y", "004x", "031"):
        with pytest.raises(ControlError):
            whack_codes.code_of(line)
