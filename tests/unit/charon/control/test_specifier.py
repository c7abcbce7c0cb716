"""What an operator's name of SAs stands for."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.specifier import Specifier, Target, find, parse_specifier
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.kernel.port import IpProtocol, Mode, SaId
from cygnet.keying.sa.child_snapshot import ChildSnapshot

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
HOST = Host(A, 500)
TS = (TrafficSelector.of("10.0.0.0/8"),)
SA = IkeSnapshot("net", 1, "ESTABLISHED", True, HOST, HOST, None, None, b"", b"", "", 0, None, None, "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("net", Specifier("net", plain=True)),
        ("net{3}", Specifier("net", True, 3)),
        ("{3}", Specifier("", True, 3)),
        ("net{*}", Specifier("net", True, all=True)),
        ("net{}", Specifier("net", True)),
        ("net[3]", Specifier("net", False, 3)),
        ("net[*]", Specifier("net", all=True)),
        ("[*]", Specifier("", all=True)),
        ("", None), ("{}", None), ("net{x}", None), ("net{1", None), ("net{1]", None), ("net{1}x", None),
    ],
)  # fmt: skip
def test_specifier_is_read(text: str, wanted: Specifier | None) -> None:
    assert parse_specifier(text) == wanted


def test_rekeyed_child_is_meant_only_by_its_number() -> None:
    sas = [replace(SA, children=(child(1, "REKEYED"), child(2, "INSTALLED")))]
    assert find(sas, Specifier("net", True)) == [Target(1, 2)]
    assert find(sas, Specifier("net", True, all=True)) == [Target(1, 2)]
    assert find(sas, Specifier("net", True, 1)) == [Target(1, 1)]


def test_child_on_its_way_out_is_meant_where_there_is_no_other() -> None:
    sas = [replace(SA, children=(child(1, "DELETING"),))]
    assert find(sas, Specifier("", True, all=True)) == [Target(1, 1)]


def test_established_ike_sa_is_meant_before_a_newer_one_that_is_not() -> None:
    sas = [SA, replace(SA, unique_id=2, state="CONNECTING")]
    assert find(sas, Specifier("net", plain=True)) == [Target(1)]


def child(number: int, state: str) -> ChildSnapshot:
    ids = SaId(A, B, IpProtocol.ESP, number), SaId(B, A, IpProtocol.ESP, number)
    return ChildSnapshot("net", number, state, Mode.TUNNEL, 1, "ESP", False, *ids, "", TS, TS, 0)
