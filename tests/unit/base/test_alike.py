"""Fields of the same names."""

from dataclasses import dataclass

from cygnet.base.alike import same_fields


@dataclass
class Source:
    name: str = "net"
    hosts: tuple[str, ...] = ("a", "b")
    ike: str | None = None
    lifetime: int = 3
    ours: str = "x"


@dataclass
class Target:
    name: str
    hosts: str
    ike: str
    lifetime: int
    theirs: str = "y"


def test_fields_of_both_are_written_as_messages_have_them() -> None:
    assert Target(**same_fields(Source(), Target)) == Target("net", "a,b", "", 3, "y")


def test_fields_of_one_alone_are_left_out() -> None:
    assert same_fields(Source(), Target).keys() == {"name", "hosts", "ike", "lifetime"}
