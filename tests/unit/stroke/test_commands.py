"""stroke's command line as requests."""

import pytest

from cygnet.ctl import stroke
from cygnet.ctl.stroke import AddConnection, End, Request
from cygnet.stroke.commands import COMMANDS, UsageError, help_text, parse


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("up net", stroke.Initiate("net")),
        ("kernel", stroke.Kernel()),
        ("kernel --repair --check", stroke.Kernel(check=True, repair=True)),
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
        ("--daemon=charon status", stroke.Status()),
        ("-d charon status", stroke.Status()),
        ("down-srcip 10.3.0.1 10.3.0.9", stroke.TerminateSourceIp("10.3.0.1", "10.3.0.9")),
        ("rekey net[*]", stroke.Rekey("net[*]")),
        ("listocspcerts --utc", stroke.List(("ocspcerts",), utc=True)),
        ("rereadaacerts", stroke.Reread(("aacerts",))),
        ("purgeocsp", stroke.Purge(("ocsp",))),
        ("exportx509 CN=sun", stroke.Export("x509", "CN=sun")),
        ("exportconncert net", stroke.Export("conncert", "net")),
        ("exportconnchain net", stroke.Export("connchain", "net")),
        ("leases rw 10.3.0.1", stroke.Leases("rw", "10.3.0.1")),
        ("listcounters", stroke.Counters()),
        ("resetcounters all", stroke.Counters("all", reset=True)),
        ("memusage", stroke.MemUsage()),
        ("user-creds net alice hush", stroke.UserCredentials("net", "alice", "hush")),
        ("user-creds net alice", stroke.UserCredentials("net", "alice", "typed at Password: ")),
        ("add net a b 192.0.2.1 192.0.2.2",
         AddConnection("net", End("192.0.2.1", id="a"), End("192.0.2.2", id="b"))),
        ("add net a b 192.0.2.1 %any 10.1.0.0/16 10.2.0.0/16",
         AddConnection("net", End("192.0.2.1", id="a", subnets="10.1.0.0/16"),
                       End("%any", id="b", subnets="10.2.0.0/16"))),
    ],
)  # fmt: skip
def test_command_line_becomes_its_request(line: str, request_: Request) -> None:
    assert parse(line.split(), ask) == request_


@pytest.mark.parametrize(
    "line",
    ["up", "up a b", "loglevel ike", "loglevel ike high", "status a b", "listcerts --gmt", "nonsense",
     "add a b c d", "add a b c d e f", "--daemon pluto status", "--daemon charon", "-d", "", "leases a b c",
     "exportx509", "user-creds net", "listcounters a b", "purgeike x", "down-srcip",
     "kernel --repair", "kernel net"],
)  # fmt: skip
def test_wrong_command_line_says_how_it_should_be(line: str) -> None:
    with pytest.raises(UsageError, match=r"\w"):
        parse(line.split(), ask)


def test_every_command_is_in_the_help_and_no_other() -> None:
    shown = [line.split()[1] for line in help_text().splitlines() if line.startswith("    stroke ")]
    assert shown == list(COMMANDS)


def test_every_message_but_those_of_starter_has_a_command() -> None:
    made = set()
    for command in COMMANDS.values():
        words = ["1"] * command.least
        made.add(type(command.build(words, ask)))
    assert set(stroke.REQUESTS) - made == {stroke.AddAuthority, stroke.DeleteAuthority}


def ask(prompt: str) -> str:
    return f"typed at {prompt}"
