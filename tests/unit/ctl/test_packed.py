"""Records as octets: what goes in comes out, and nothing else does."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.ctl.frames import ControlError
from cygnet.ctl.packed import Octets, pack, unpack


@dataclass(frozen=True, slots=True)
class Inner:
    word: str = ""
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Outer:
    number: int = 0
    time_s: float = 0.0
    words: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)


TEXTS = st.text(max_size=20).filter(lambda text: text.encode(errors="replace").decode() == text)
OUTERS = st.builds(
    Outer,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.tuples(TEXTS, TEXTS),
    st.builds(Inner, TEXTS, st.booleans()),
)


@given(OUTERS)
def test_what_is_packed_is_read_again(record: Outer) -> None:
    octets = Octets(pack(record))
    assert unpack(Outer, octets) == record
    octets.end()


def test_form_is_the_documented_one() -> None:
    assert pack(Inner("ab", True)) == b"\0\0\0\2ab\1"
    assert pack(Outer(-2, 0.5, ("x",))).startswith(b"\xff" * 7 + b"\xfe" + b"\x3f\xe0" + bytes(6) + b"\0\1")


@given(OUTERS, st.data())
def test_message_cut_short_is_refused(record: Outer, data: st.DataObject) -> None:
    whole = pack(record)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ControlError, match="cut short"):
        unpack(Outer, Octets(whole[:cut]))


def test_octets_left_over_are_refused() -> None:
    octets = Octets(pack(Inner()) + b"x")
    unpack(Inner, octets)
    with pytest.raises(ControlError, match="1 octets too many"):
        octets.end()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"\0\0\0\0\2", "2 is no flag"),
        (b"\0\0\0\1\xff\0", "not UTF-8"),
        (b"\xff\0\0\0", "longer than"),
    ],
)
def test_wrong_value_is_named(octets: bytes, words: str) -> None:
    with pytest.raises(ControlError, match=words):
        unpack(Inner, Octets(octets))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_time_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ControlError, match="is no number"):
        unpack(Outer, Octets(pack(Outer(1, value))))


@pytest.mark.parametrize(
    "record", [Outer(2**63), Inner("x" * 70_000), Outer(words=("",) * 1025)], ids=["number", "text", "tuple"]
)
def test_too_large_a_value_is_not_sent(record: object) -> None:
    with pytest.raises(ControlError):
        pack(record)


def test_tuple_that_claims_too_many_texts_is_refused() -> None:
    octets = pack(Outer())[:16] + b"\xff\xff"
    with pytest.raises(ControlError, match="65535 texts"):
        unpack(Outer, Octets(octets))
