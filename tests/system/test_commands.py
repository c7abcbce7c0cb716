"""Commands as an operator's scripts read them: ours and the real strongSwan's, side by side."""

import re
from collections.abc import Callable

import pytest

from lab.gateways import Gateway
from lab.hosts import until
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

BOTH = [pair for pair in PAIRS if str(pair.id) == "cygnet-strongswan"]
"""moon is ours, sun is strongSwan."""
TO_CYGNET = [pair for pair in PAIRS if str(pair.id).startswith("cygnet-")]
MIXED = [pair for pair in PAIRS if "strongswan" in str(pair.id)]

AUTHORITY = """
ca lab
    cacert=ca0.pem
    crluri=http://crl.lab/x.crl
    crluri2=http://crl.lab/y.crl
    ocspuri=http://ocsp.lab/
    auto=add
"""


def two_suites(lab: Lab, kinds: str) -> tuple[End, End]:
    """A tunnel between both, with certificates and a ca section; strongSwan must not look for its CRLs."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    for end in (moon, sun):
        end.host.write("/etc/ipsec.conf", end.host.read("/etc/ipsec.conf") + AUTHORITY)
    bring_up(moon, sun)
    return moon, sun


SHAPE: tuple[tuple[str, str], ...] = (
    (r"\bC=CH, O=Lab, CN=[A-Za-z. ]+", "DN"),
    (r"\b(moon|sun)\.lab\b", "ID"),
    (r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d( UTC)? \d{4}\b", r"DATE\1"),
    (r"\b([0-9a-f]{2}:){5,}[0-9a-f]{2}\b", "HEX"),
    (r"\b[0-9a-f]{16}_([ir])\*?", r"SPI_\1"),
    (r"\b[0-9a-f]{8}_([io])", r"SPI_\1"),
    (r"\b\d+ (second|minute|hour|day)s?\b", "TIME"),
    (r"\b\d+(\.\d+){3}", "ADDRESS"),
    (r" \((up|total), ", " (up, "),
    (r"\((\d+) (up|total), (\d+) connecting\)", r"(\1 up, \3 connecting)"),
    (r"\d+ bytes_([io])( \(\d+ pkts?, \d+s ago\))?", r"N bytes_\1"),
    (r"(reqid |[\[{])\d+", r"\1N"),
)


def shape(text: str) -> list[str]:
    """A text with what differs between two hosts replaced by words, without our lines of errors."""
    text = re.sub(r"^ipsec [a-z]+: .*\n?", "", text, flags=re.M)
    for pattern, word in SHAPE:
        text = re.sub(pattern, word, text)
    return text.splitlines()


SAME = [
    "status", "status net-net", "status nosuch", "listcerts", "listcerts --utc", "listcacerts", "listcainfos",
    "listaacerts", "listocspcerts", "listacerts", "listpubkeys", "listcrls", "listocsp", "leases",
    "leases nosuch", "listcounters nosuch", "purgecrls", "purgeocsp", "rereadsecrets", "rereadcacerts",
    "rereadaacerts", "rereadocspcerts", "rereadacerts", "rereadcrls", "rereadall", "resetcounters",
]  # fmt: skip
"""What must look alike on both; ours says with its status and a line of errors that nothing was found."""
MISSING = {"status nosuch": 4, "leases nosuch": 1, "listcounters nosuch": 1}


@pytest.mark.parametrize("kinds", BOTH)
def test_both_suites_print_the_same_shapes(lab: Lab, kinds: str) -> None:
    moon, sun = two_suites(lab, kinds)
    for command in SAME:  # sorted: what is our own certificate here is the peer's there
        ours = moon.host.ipsec(*command.split(), status=MISSING.get(command, 0))
        theirs = sun.host.ipsec(*command.split())
        assert sorted(shape(ours)) == sorted(shape(theirs)), command
    assert_same_statusall(moon.host, sun.host)
    assert_same_counters(moon.host, sun.host)
    assert_same_exports(moon.host, sun.host)
    for verb in ("route", "unroute"):
        assert shape(moon.host.ipsec(verb, "net-net")) == shape(sun.host.ipsec(verb, "net-net"))


def assert_same_statusall(ours: Gateway, theirs: Gateway) -> None:
    """From the connections on; which side began is not compared."""
    mine, other = (
        shape(host.ipsec("statusall").partition("\nConnections:\n")[2]) for host in (ours, theirs)
    )
    assert mine == other
    header = ours.ipsec("statusall").partition("\nConnections:\n")[0]
    for pattern in HEADER:
        assert re.search(pattern, header, re.M), pattern


HEADER = (
    r"^Status of IKE charon daemon \(Cygnet \S+, Linux \S+, \S+\):$",
    r"^  uptime: \d+ (second|minute)s?, since [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4}$",
    r"^  malloc: sbrk \d+, mmap \d+, used \d+, free \d+$",
    r"^  worker threads: \d+ of \d+ idle, [\d/]+ working, job queue: [\d/]+, scheduled: \d+$",
    r"^  loaded plugins: charon .*\bstroke\b",
    r"^Listening IP addresses:\n  \S+$",
)


def assert_same_counters(ours: Gateway, theirs: Gateway) -> None:
    """What one sent the other received; both had begun anew."""
    ours.ipsec("resetcounters", "net-net")
    theirs.ipsec("resetcounters", "net-net")
    ours.stroke("rekey", "net-net{*}")
    mine, other = (host.ipsec("listcounters", "net-net") for host in (ours, theirs))
    assert [line.split(" ")[0] for line in mine.splitlines()] == [
        line.split(" ")[0] for line in other.splitlines()
    ]
    counted = dict(re.findall(r"^(ike\w+) +(\d+)$", mine, re.M))
    received = dict(re.findall(r"^(ike\w+) +(\d+)$", other, re.M))
    assert {counted["ikeChildSaRekey"], received["ikeChildSaRekey"]} == {"1"}
    assert counted["ikeOutCrChildReq"] == received["ikeInCrChildReq"] != "0"
    assert counted["ikeInCrChildRsp"] == received["ikeOutCrChildRsp"] != "0"
    for line in mine.splitlines()[3:]:
        assert re.fullmatch(r"ike\w+ +\d+", line) and len(line) == 31


def assert_same_exports(ours: Gateway, theirs: Gateway) -> None:
    """Each prints the other's certificate and the common root."""
    mine = ours.stroke("exportconnchain", "net-net")
    other = theirs.stroke("exportconnchain", "net-net")
    certificate = r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n"
    assert [len(re.findall(certificate, text)) for text in (mine, other)] == [2, 2]
    assert re.findall(certificate, mine)[1] == re.findall(certificate, other)[1]
    assert ours.stroke("exportconncert", "net-net") == re.findall(certificate, mine)[0]
    subject = "C=CH, O=Lab, CN=sun.lab"
    assert ours.stroke("exportx509", subject) == theirs.stroke("exportx509", subject)
    assert "CN=nobody" in ours.stroke("exportx509", "CN=nobody", status=1)


CONFORMANCE = (
    r"net-net.*ESTABLISHED.*moon.lab.*sun.lab",
    r"net-net\[1]: ESTABLISHED",
    r"net-net.*INSTALLED, TUNNEL",
    r"net-net[{]1}.*INSTALLED, TUNNEL",
    r"^ *net-net\[\d+\]: ESTABLISHED \d+ seconds? ago, [0-9.]+\[moon\.lab\]\.\.\.[0-9.]+\[sun\.lab\]$",
    r"^ *net-net\{\d+\}:  INSTALLED, TUNNEL, reqid \d+, ESP( in UDP)? SPIs: [0-9a-f]{8}_i [0-9a-f]{8}_o$",
    r"^ *net-net\{\d+\}:   10\.1\.0\.0/24 === 10\.2\.0\.0/24$",
    r"^Security Associations \(1 (up|total), 0 connecting\):$",
)
"""The commonest checks of strongSwan's own scenarios, and the documented lines."""
UP = (
    r"^initiating IKE_SA net-net\[1\] to 192\.0\.2\.2$",
    r"^generating IKE_SA_INIT request 0 \[ SA KE No .*N\(NATD_S_IP\) N\(NATD_D_IP\).* \]$",
    r"^sending packet: from 192\.0\.2\.1\[500\] to 192\.0\.2\.2\[500\] \(\d+ bytes\)$",
    r"^received packet: from 192\.0\.2\.2\[500\] to 192\.0\.2\.1\[500\] \(\d+ bytes\)$",
    r"^parsed IKE_SA_INIT response 0 \[ SA KE No .*\]$",
    r"^authentication of 'sun\.lab' with \S+ successful$",
    r"^IKE_SA net-net\[1\] established between 192\.0\.2\.1\[moon\.lab\]\.\.\.192\.0\.2\.2\[sun\.lab\]$",
    r"^CHILD_SA net-net\{1\} established with SPIs \S+_i \S+_o and TS 10\.1\.0\.0/24 === 10\.2\.0\.0/24$",
    r"connection 'net-net' established successfully\n\Z",
)


@pytest.mark.parametrize("kinds", MIXED)
def test_documented_lines_are_found_by_the_scripts_that_look_for_them(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa", ike="aes128-sha256-ecp256!")
    for end in (moon, sun):
        end.host.start()
    told = moon.host.ipsec("up", "net-net")
    for pattern in UP:
        assert re.search(pattern, told, re.M), pattern
    status = moon.host.ipsec("status")
    for pattern in CONFORMANCE:
        assert re.search(pattern, status, re.M), pattern
    assert re.search(r"authentication of 'moon\.lab' with \S+ successful", sun.host.log())
    assert re.search(r"IKE_SA \[1\] closed successfully\n\Z", moon.host.ipsec("down", "net-net"))
    for end in (moon, sun):
        until(end.host.has_nothing, f"no SA on {end.host.name}")


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_rekeying_by_hand_waits_and_carries_on(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, reauth="no")
    bring_up(moon, sun)
    for name, last in (("net-net{*}", "CHILD_SA {1} rekeyed"), ("net-net", "IKE_SA [1] rekeyed")):
        assert moon.host.stroke("rekey", name).endswith(f"{last} successfully\n")
    until(lambda: is_up(moon) and is_up(sun), "one of each again")
    assert "net-net[1]" not in moon.host.ipsec("status")
    assert_carries(moon, sun)
    counters = dict(re.findall(r"^(ike\w+) +(\d+)$", moon.host.ipsec("listcounters", "net-net"), re.M))
    assert (counters["ikeInitRekey"], counters["ikeChildSaRekey"]) == ("1", "1")


ENDS = [
    # What fails says why and does not end with 0.
    ("down nosuch", 1, "no IKE_SA or CHILD_SA 'nosuch' found"),
    ("down net-net{9}", 1, "no CHILD_SA 'net-net{9}' found"),
    ("down net-net[9]", 1, "no IKE_SA 'net-net[9]' found"),
    ("down net-net{", 2, "is not NAME, NAME{n}, NAME{*}, NAME[n] or NAME[*]"),
    ("rekey nosuch", 1, "no IKE_SA or CHILD_SA 'nosuch' found"),
    ("down-srcip 10.3.0.1", 1, "no IKE_SA with a virtual IP from 10.3.0.1 to 10.3.0.1 found"),
    ("down-srcip x", 2, "'x' does not appear to be an IPv4 or IPv6 address"),
    ("leases nosuch", 1, "pool 'nosuch' not found"),
    ("leases", 0, "no pools found"),
    ("listcounters nosuch", 1, "No IKE counters found for 'nosuch'"),
    ("resetcounters nosuch", 1, "No IKE counters found for 'nosuch'"),
    ("listcerts --gmt", 2, "Usage: ipsec listcerts [--utc]"),
    ("purgeike now", 2, "Usage: ipsec purgeike"),
    ("listgroups", 0, ""),
    ("purgeike", 0, ""),
    ("stroke exportconncert net-net", 1, "no IKE_SA 'net-net' found"),
    ("stroke loglevel foo 2", 2, "unknown type 'foo'!"),
    ("stroke loglevel ike high", 2, "'high' is not a log level from -1 to 4"),
    ("stroke user-creds net-net alice pw", 1, "config 'net-net' unsuitable for user credentials"),
    ("stroke user-creds nosuch alice pw", 1, "no config named 'nosuch'"),
    ("stroke up-nb nosuch", 1, "no config named 'nosuch'"),
    ("stroke down-nb nosuch", 1, "no IKE_SA or CHILD_SA 'nosuch' found"),
    ("stroke nosuch", 2, "unknown command 'nosuch'"),
    ("stroke", 2, "a command is missing"),
    ("stroke memusage", 0, "IKE_SAs "),
    ("listcards", 3, "'listcards' is not part of this version"),
]  # fmt: skip


def test_every_command_ends_as_its_outcome_says(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.start()
    for command, status, text in ENDS:
        told = moon.host.ipsec(*command.split(), status=status)
        assert text in told, command
        assert text or not told, command
    moon.host.ipsec("stop")
    for command in ("up net-net", "leases", "listcounters", "purgeike", "rekey net-net", "stroke memusage"):
        assert "charon is not running" in moon.host.ipsec(*command.split(), status=7)
    assert "ipsec start" in moon.host.ipsec("up", "net-net", status=7)


def test_output_may_end_in_a_pipe_and_the_log_level_changes_while_running(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.start()
    told = moon.host.run("sh", "-c", "ipsec statusall | head -1; ipsec stroke listalgs | head -2")
    assert told.stderr == ""
    assert told.stdout.startswith("Status of IKE charon daemon")

    moon.host.stroke("loglevel", "any", "-1")
    before = moon.host.log()
    moon.host.ipsec("rereadall")
    moon.host.stroke("loglevel", "cfg", "2")
    moon.host.ipsec("rereadcacerts")
    until(lambda: "stroke request: reread" in moon.host.log()[len(before) :], "one line of the second")
    assert "loading secrets" not in moon.host.log()[len(before) :]


def test_childless_ike_sa_is_purged_and_others_stay(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, reauth="no")
    bring_up(moon, sun)
    assert moon.host.ipsec("purgeike") == ""
    assert is_up(moon)
    assert "CHILD_SA {1} closed successfully" in moon.host.ipsec("down", "net-net{*}")
    assert moon.host.established() == 1
    assert moon.host.ipsec("purgeike").endswith("IKE_SA [1] closed successfully\n")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left")


def test_broken_file_makes_rereading_fail_and_is_named(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.start()
    moon.host.write("/etc/ipsec.d/cacerts/broken.pem", "nothing")
    for verb in ("rereadcacerts", "rereadall"):
        assert "broken.pem" in moon.host.ipsec(verb, status=1)
    moon.host.ipsec("rereadsecrets")
    moon.host.write("/etc/ipsec.d/crls/x.crl", "nothing")
    assert "x.crl" in moon.host.ipsec("rereadcrls", status=1)


SCRIPT = """#!/bin/sh
{ env | grep ^PLUTO_ | sort; echo; } >> /run/updown.log
echo "ran $PLUTO_VERB"
exit 3
"""
SUITES_OWN = {"PLUTO_UDP_ENC", "PLUTO_UNIQUEID", "PLUTO_INTERFACE"}
"""strongSwan's user-space ESP is always in UDP; and its interface is cached per address."""


@pytest.mark.parametrize("kinds", BOTH)
def test_updown_scripts_are_told_the_same(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    for end in (moon, sun):
        end.host.write("/etc/ipsec.d/updown", SCRIPT, 0o755)
        replace(end, "leftsubnet", "leftupdown=/etc/ipsec.d/updown\n    leftsubnet")
    bring_up(moon, sun)
    moon.host.stroke("rekey", "net-net{*}")
    moon.host.ipsec("down", "net-net")
    ours, theirs = until(both_ran(moon, sun), "both scripts ran twice")
    assert [one["PLUTO_VERB"] for one in ours] == ["up-client", "down-client"]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() - SUITES_OWN == other.keys() - SUITES_OWN
        assert {mirrored(key): value for key, value in mine.items() if key in ENDS_OF_A_TUNNEL} == {
            key: value for key, value in other.items() if key in ENDS_OF_A_TUNNEL
        }
        assert mine["PLUTO_INTERFACE"] == "eth0"
    moon.host.says("updown: ran up-client")
    moon.host.says("updown: /etc/ipsec.d/updown ended with 3 (up-client of net-net)")


Facts = list[dict[str, str]]
ENDS_OF_A_TUNNEL = {
    f"PLUTO_{side}{what}"
    for side, whats in (("MY_", "ID CLIENT PORT PROTOCOL"), ("PEER_", "ID CLIENT PORT PROTOCOL"))
    for what in whats.split()
} | {"PLUTO_ME", "PLUTO_PEER"}


def both_ran(moon: End, sun: End) -> Callable[[], tuple[Facts, Facts] | None]:
    def facts(end: End) -> Facts:
        blocks = end.host.read("/run/updown.log").split("\n\n")[:-1]
        return [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]

    def ran() -> tuple[Facts, Facts] | None:
        ours, theirs = facts(moon), facts(sun)
        return (ours, theirs) if len(ours) == len(theirs) == 2 else None

    return ran


def mirrored(name: str) -> str:
    """What is mine here is the peer's there."""
    swaps = {"PLUTO_ME": "PLUTO_PEER", "PLUTO_PEER": "PLUTO_ME"}
    if name in swaps:
        return swaps[name]
    mine, theirs = "PLUTO_MY_", "PLUTO_PEER_"
    return name.replace(mine, theirs) if name.startswith(mine) else name.replace(theirs, mine)
