"""stroke's command line as requests."""

import pytest

from cygnet.ctl import stroke
from cygnet.ctl.stroke import AddConnection, End, Request
from cygnet.stroke.commands import COMMANDS, HELP, LATER, LaterError, UsageError, parse


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("up net", stroke.Initiate("net")),
        ("up-nb net", stroke.Initiate("net", wait=False)),
        ("down net{3}", stroke.Terminate("net{3}")),
        ("down-nb net", stroke.Terminate("net", wait=False)),
        ("route net", stroke.Route("net")),
        ("unroute net", stroke.Unroute("net")),
        ("del net", stroke.DeleteConnection("net")),
        ("delete net", stroke.DeleteConnection("net")),
        ("loglevel ike 2", stroke.LogLevel("ike", 2)),
        ("loglevel any -1", stroke.LogLevel("any", -1)),
        ("status", stroke.Status()),
        ("status net", stroke.Status("net")),
        ("statusall", stroke.Status(all=True)),
        ("statusall-nb net", stroke.Status("net", all=True)),
        ("listcerts", stroke.List(("certs",))),
        ("listall --utc", stroke.List(("all",), utc=True)),
        ("rereadsecrets", stroke.Reread(("secrets",))),
        ("rereadall", stroke.Reread(("all",))),
        ("--daemon charon status", stroke.Status()),
        ("add net a b 192.0.2.1 192.0.2.2",
         AddConnection("net", End("192.0.2.1", id="a"), End("192.0.2.2", id="b"))),
        ("add net a b 192.0.2.1 %any 10.1.0.0/16 10.2.0.0/16",
         AddConnection("net", End("192.0.2.1", id="a", subnets="10.1.0.0/16"),
                       End("%any", id="b", subnets="10.2.0.0/16"))),
    ],
)  # fmt: skip
def test_command_line_becomes_its_request(line: str, request_: Request) -> None:
    assert parse(line.split()) == request_


@pytest.mark.parametrize(
    "line",
    ["up", "up a b", "loglevel ike", "loglevel ike high", "status a b", "listcerts --gmt", "nonsense",
     "add a b c d", "add a b c d e f", "--daemon pluto status", "--daemon charon"],
)  # fmt: skip
def test_wrong_command_line_says_how_it_should_be(line: str) -> None:
    with pytest.raises(UsageError, match=r"\w"):
        parse(line.split())


@pytest.mark.parametrize("name", sorted(LATER))
def test_command_of_a_later_version_is_named(name: str) -> None:
    with pytest.raises(LaterError, match=name):
        parse([name])


def test_every_command_is_in_the_help_and_none_is_both_here_and_later() -> None:
    assert all(f"  {name}" in HELP for name in COMMANDS)
    assert not LATER & COMMANDS.keys()
