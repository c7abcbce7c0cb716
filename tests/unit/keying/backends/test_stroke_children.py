"""What a ``conn`` says of its CHILD_SA: mode, marks, protocol, windows, padding, and what kernels lack."""

from dataclasses import replace
from typing import Any

import pytest

from cygnet.crypto.proposals import Protocol, default_proposals, parse_proposals
from cygnet.ctl.stroke import AddConnection, End
from cygnet.kernel.port import Features, InterfaceKind, IpProtocol, Mark, Mode, Offload
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.stroke_children import child
from cygnet.keying.config.records import Binding, ChildConfig, UniqueMark
from cygnet.keying.config.settings import DaemonSettings

NET = AddConnection("net", End("192.0.2.1", subnets="10.1.0.0/16"), End("192.0.2.2", subnets="10.2.0.0/16"))
TUNNELS = frozenset({Mode.TUNNEL, Mode.PASS, Mode.DROP})
SMALL = Features("userland", frozenset(), frozenset(), TUNNELS)


def read(features: Features | None = None, **changes: Any) -> ChildConfig:
    return child(replace(NET, **changes), DaemonSettings(), features)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("tunnel", Mode.TUNNEL), ("transport", Mode.TRANSPORT), ("beet", Mode.BEET), ("pass", Mode.PASS),
     ("passthrough", Mode.PASS), ("drop", Mode.DROP), ("reject", Mode.DROP)],
)  # fmt: skip
def test_mode_is_read(mode: str, expected: Mode) -> None:
    assert read(mode=mode).mode is expected


@pytest.mark.parametrize(
    ("text", "mark"),
    [("", None), ("0/0x0", None), ("42", Mark(42)), ("0x10/0xff", Mark(16, 255)),
     ("0x110/0xff", Mark(16, 255)),
     ("%unique", UniqueMark()), ("%unique/0xffff", UniqueMark(0xFFFF)),
     ("%unique-dir", UniqueMark(per_direction=True))],
)  # fmt: skip
def test_marks_are_read(text: str, mark: Mark | UniqueMark | None) -> None:
    config = read(mark_in=text, mark_out="7")
    assert (config.mark_in, config.mark_out) == (mark, Mark(7))


def test_bad_mark_is_named() -> None:
    with pytest.raises(ConfigError, match="mark_out=x/1 is not VALUE"):
        read(mark_out="x/1")


@pytest.mark.parametrize(("given", "window"), [(-1, 32), (0, 0), (128, 128), (4096, 4096)])
def test_replay_window_defaults_to_the_daemons(given: int, window: int) -> None:
    assert read(replay_window=given).replay_window == window


def test_replay_window_has_a_limit() -> None:
    with pytest.raises(ConfigError, match="replay_window=4097 is more than 4096"):
        read(replay_window=4097)


def test_proposals_are_of_esp_unless_ah_is_wanted() -> None:
    assert read().proposals == default_proposals(Protocol.ESP)
    assert read().protocol is IpProtocol.ESP
    ah = read(ah="sha256-sha1-modp2048!")
    assert ah.proposals == parse_proposals("sha256-sha1-modp2048!", Protocol.AH)
    assert ah.protocol is IpProtocol.AH


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"ah": "sha256", "esp": "aes128-sha256"}, "ah and esp exclude each other"),
     ({"ah": "aes128"}, "ah=aes128: .*integrity algorithm is mandatory in AH"),
     ({"esp": "md5-aes128"}, "esp=md5-aes128: weak algorithm"),
     ({"left": End(subnets=",".join(f"10.{n >> 8}.{n & 255}.0/24" for n in range(256)))},
      "leftsubnet names 256 subnets, more than the 255")],
)  # fmt: skip
def test_what_makes_no_child_is_refused_with_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read(**changes)


def test_details_are_carried_over() -> None:
    config = read(compress=True, install_policy=False, sha256_96=True, tfc=-1, reqid=77)
    assert (config.compress, config.install_policies, config.sha256_96) == (True, False, True)
    assert (config.tfc, config.reqid) == (-1, 77)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"ah": "sha256"}, r"userland has no AH \(ah=\).*charon.kernel = xfrm"),
     ({"compress": True}, r"userland has no IPComp \(compress=yes\).*charon.kernel = xfrm"),
     ({"mode": "beet"}, "no mode BEET"),
     ({"mode": "transport", "ah": "sha256"}, r"no AH \(ah=\) and mode TRANSPORT \(type=\)")],
)  # fmt: skip
def test_what_the_kernel_backend_lacks_is_named_with_what_to_do(changes: dict[str, Any], words: str) -> None:
    assert read(**changes)
    with pytest.raises(ConfigError, match=words):
        read(SMALL, **changes)


def test_bindings_are_read() -> None:
    plain = read(if_id_in=1, if_id_out=2, set_mark_in="5/0xff", set_mark_out="6", hw_offload="packet").binding
    assert (plain.interface, plain.if_id_in, plain.if_id_out) == (None, 1, 2)
    assert (plain.set_mark_in, plain.set_mark_out, plain.offload) == (Mark(5, 255), Mark(6), Offload.PACKET)
    own = read(interface="xfrm:office").binding
    assert (own.interface, own.name) == (InterfaceKind.XFRM, "office")
    assert read(interface="auto").binding == Binding(InterfaceKind.AUTO)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"interface": "gre"}, "interface=gre is none of auto, xfrm, vti"),
     ({"interface": "auto", "if_id_in": 1}, "interface excludes if_id_in"),
     ({"interface": "auto", "mark_in": "1"}, "interface excludes if_id_in"),
     ({"hw_offload": "maybe"}, "hw_offload=maybe is none of"),
     ({"set_mark_in": "%unique"}, "set_mark_in=%unique is not VALUE")],
)  # fmt: skip
def test_bindings_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read(**changes)


@pytest.mark.parametrize("changes", [{"interface": "auto"}, {"if_id_out": 1}, {"hw_offload": "auto"}])
def test_bindings_need_the_kernel_s_ipsec(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"userland has no interface.*charon\.kernel = xfrm"):
        read(SMALL, **changes)


def test_kernel_backend_is_not_asked_about_shunts_nor_before_it_has_spoken() -> None:
    silent = Features("userland", frozenset(), frozenset(), frozenset())
    assert read(SMALL, mode="pass", compress=True).mode is Mode.PASS
    assert read(silent, mode="beet").mode is Mode.BEET


@pytest.mark.parametrize(
    ("protocol", "ports", "expected"),
    [(1, (8, 8), "icmp/8"), (1, (0x0301, 0x0301), "icmp/3(1)"), (58, (128, 129), "ipv6-icmp/128(0)-129(255)"),
     (1, (0, 65535), "icmp"), (1, (65535, 0), "icmp/OPAQUE"), (6, (8, 8), "tcp/8")],
)  # fmt: skip
def test_icmp_ports_are_types(protocol: int, ports: tuple[int, int], expected: str) -> None:
    end = End(subnets="10.1.0.0/16", protocol=protocol, from_port=ports[0], to_port=ports[1])
    assert str(read(left=end).local_ts[0]) == f"10.1.0.0/16[{expected}]"


def test_icmp_types_stand_in_brackets_too_and_repeated_subnets_count_once() -> None:
    config = read(left=End(subnets="10.1.0.0/16[icmp/8],10.1.0.0/16[icmp/8],10.1.0.0/16[icmp/0]"))
    assert list(map(str, config.local_ts)) == ["10.1.0.0/16[icmp/8]", "10.1.0.0/16[icmp/0]"]
