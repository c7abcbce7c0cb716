"""cygnet.wire.fields"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest

from cygnet.base.errors import MalformedError
from cygnet.wire.fields import octets, plan_of, reserved, rest, u8, u16, u32, u64


@dataclass(frozen=True, slots=True)
class Whole:
    number: ClassVar[int] = 9
    one: Annotated[int, u8, reserved(1)]
    two: Annotated[int, u16]
    four: Annotated[int, u32]
    eight: Annotated[int, u64]
    spi: Annotated[bytes, octets(3)]


@dataclass(frozen=True, slots=True)
class Open:
    kind: Annotated[int, u8, reserved(3)]
    data: Annotated[bytes, rest]


@dataclass(frozen=True, slots=True)
class Bare:
    data: Annotated[bytes, rest]


@dataclass(frozen=True, slots=True)
class Backwards:
    data: Annotated[bytes, rest]
    kind: Annotated[int, u8]


WHOLE = Whole(1, 2, 3, 4, b"abc")
WHOLE_OCTETS = bytes.fromhex("01 00 0002 00000003 0000000000000004 616263")


def test_fixed_fields_lie_in_order_of_their_annotations():
    assert plan_of(Whole).build(WHOLE) == WHOLE_OCTETS
    assert plan_of(Whole).parse(WHOLE_OCTETS) == WHOLE


def test_reserved_octets_are_ignored_and_sent_as_zero():
    assert plan_of(Open).parse(b"\x05\xff\xff\xffxyz") == Open(5, b"xyz")
    assert plan_of(Open).build(Open(5, b"xyz")) == b"\x05\x00\x00\x00xyz"


def test_rest_alone_is_the_octets_themselves():
    assert plan_of(Bare).parse(b"") == Bare(b"")
    assert plan_of(Bare).build(Bare(b"abc")) == b"abc"


@pytest.mark.parametrize("body", [b"", WHOLE_OCTETS[:-1], WHOLE_OCTETS + b"\0"])
def test_fixed_record_of_another_size_is_malformed(body):
    with pytest.raises(MalformedError, match="Whole"):
        plan_of(Whole).parse(body)


def test_rest_may_be_empty_but_the_fixed_part_may_not_be_short():
    assert plan_of(Open).parse(bytes(4)) == Open(0, b"")
    with pytest.raises(MalformedError, match="3 octets, the fixed part has 4"):
        plan_of(Open).parse(bytes(3))


def test_plan_is_read_once():
    assert plan_of(Open) is plan_of(Open)


def test_field_behind_the_rest_is_refused():
    with pytest.raises(TypeError, match=r"Backwards\.kind"):
        plan_of(Backwards)
