"""What an SA's specification becomes."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from cygnet.base.dscp import DscpCopy
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.netlink import attributes
from cygnet.kernel.backends.xfrm.constants import Attr, StateFlag
from cygnet.kernel.backends.xfrm.primitives import Selector
from cygnet.kernel.backends.xfrm.sa_layout import SA_INFO_SIZE, SaInfo, unpack_algorithm
from cygnet.kernel.backends.xfrm.states import compression_request, naming, sa_request, spi_request
from cygnet.kernel.port import (
    Algorithm,
    Compression,
    Encapsulation,
    IpProtocol,
    IpTfs,
    KernelError,
    Lifetime,
    Mark,
    Mode,
    SaId,
    SaSpec,
)

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
GCM = Algorithm(20, 256, Secret(bytes(range(36))))
CBC, SHA256 = Algorithm(12, 128, Secret(b"\1" * 16)), Algorithm(12, 0, Secret(b"\2" * 32))
HERE, THERE = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
OUT = SaSpec(
    SaId(MOON, SUN, IpProtocol.ESP, 0xC1), 7, Mode.TUNNEL, False, GCM, local_ts=(HERE,), remote_ts=(THERE,)
)
IN = replace(OUT, id=SaId(SUN, MOON, IpProtocol.ESP, 0xC2), inbound=True)


def read(spec: SaSpec) -> tuple[SaInfo, dict[int, bytes]]:
    body = sa_request(spec, 0x80000001)
    return SaInfo.unpack(body), attributes(body[SA_INFO_SIZE:])


def word(octets: bytes) -> int:
    return int.from_bytes(octets, "little")


def test_tunnel_with_aead():
    info, more = read(IN)
    assert (info.id, info.reqid, info.mode, info.sequence) == (IN.id, 7, 1, 0x80000001)
    assert info.flags == StateFlag.AF_UNSPEC
    assert info.replay_window == 32
    assert set(more) == {Attr.ALG_AEAD}
    assert unpack_algorithm(more[Attr.ALG_AEAD], sized=True) == ("rfc4106(gcm(aes))", bytes(range(36)))
    assert more[Attr.ALG_AEAD][64:72] == bytes.fromhex("20010000 80000000")


def test_outbound_sa_has_no_replay_window():
    assert read(OUT)[0].replay_window == 0


def test_cipher_and_integrity_are_two_attributes():
    _, more = read(replace(OUT, encryption=CBC, integrity=SHA256))
    assert unpack_algorithm(more[Attr.ALG_CRYPT], sized=False) == ("cbc(aes)", b"\1" * 16)
    assert unpack_algorithm(more[Attr.ALG_AUTH_TRUNC], sized=True) == ("hmac(sha256)", b"\2" * 32)
    assert more[Attr.ALG_AUTH_TRUNC][68:72] == bytes.fromhex("80000000")


def test_integrity_can_be_cut_shorter():
    _, more = read(replace(OUT, encryption=CBC, integrity=replace(SHA256, icv_bits=96)))
    assert more[Attr.ALG_AUTH_TRUNC][68:72] == bytes.fromhex("60000000")


def test_esp_without_encryption_has_the_null_cipher():
    _, more = read(replace(OUT, encryption=None, integrity=SHA256))
    assert unpack_algorithm(more[Attr.ALG_CRYPT], sized=False) == ("ecb(cipher_null)", b"")


def test_ah_has_integrity_only():
    info, more = read(
        replace(OUT, id=replace(OUT.id, protocol=IpProtocol.AH), encryption=None, integrity=SHA256)
    )
    assert info.protocol == 51
    assert info.flags == StateFlag.AF_UNSPEC | StateFlag.ALIGN4
    assert set(more) == {Attr.ALG_AUTH_TRUNC}


def test_ah_over_ipv6_is_aligned_to_eight_octets():
    six = SaId(ip_address("2001:db8::1"), ip_address("2001:db8::2"), IpProtocol.AH, 1)
    assert not read(replace(OUT, id=six, encryption=None, integrity=SHA256))[0].flags & StateFlag.ALIGN4


@pytest.mark.parametrize(
    "spec",
    [
        replace(OUT, encryption=replace(CBC, number=99)),
        replace(OUT, encryption=CBC, integrity=replace(SHA256, number=99)),
    ],
)
def test_algorithm_without_a_name_is_refused(spec):
    with pytest.raises(KernelError, match="number 99"):
        sa_request(spec, 1)


@pytest.mark.parametrize(
    ("spec", "window"),
    [
        (replace(IN, replay_window=64), 64),
        (replace(IN, esn=True, replay_window=1024), 1024),
        (replace(IN, esn=True, replay_window=0), 32),
        (replace(OUT, esn=True, replay_window=64), 1),
    ],
)
def test_large_windows_and_esn_have_an_attribute(spec, window):
    info, more = read(spec)
    assert info.replay_window == 0
    assert word(more[Attr.REPLAY_ESN_VAL][20:24]) == window
    assert bool(info.flags & StateFlag.ESN) == spec.esn


@pytest.mark.parametrize(("mode", "number"), [(Mode.TRANSPORT, 0), (Mode.BEET, 4)])
def test_transport_and_beet_have_the_inner_addresses(mode, number):
    info, _ = read(replace(IN, mode=mode))
    body = sa_request(replace(IN, mode=mode), 1)
    assert info.mode == number
    assert not info.flags & StateFlag.AF_UNSPEC
    assert Selector.unpack(body) == Selector(ip_network("10.2.0.0/24"), ip_network("10.1.0.0/24"))


def test_several_selectors_are_left_to_the_policies():
    body = sa_request(replace(IN, mode=Mode.TRANSPORT, local_ts=(HERE, THERE)), 1)
    assert body[:56] == bytes(56)


def test_encapsulation_in_udp_and_in_tcp():
    ports = Encapsulation(4500, 1025)
    assert read(replace(OUT, encapsulation=ports))[1][Attr.ENCAP][:6] == bytes.fromhex("0200 1194 0401")
    assert read(replace(OUT, encapsulation=replace(ports, tcp=True)))[1][Attr.ENCAP][:2] == b"\x07\0"


def test_marks_interface_and_output_mark():
    _, more = read(replace(OUT, mark=Mark(5, 0xFF), if_id=9, output_mark=Mark(6, 0xF)))
    assert more[Attr.MARK] == bytes.fromhex("05000000 ff000000")
    assert [word(more[kind]) for kind in (Attr.IF_ID, Attr.SET_MARK, Attr.SET_MARK_MASK)] == [9, 6, 0xF]


@pytest.mark.parametrize(
    ("copy", "outward", "inward"),
    [
        (DscpCopy.OUT, True, False),
        (DscpCopy.IN, False, True),
        (DscpCopy.BOTH, True, True),
        (DscpCopy.NEITHER, False, False),
    ],
)
def test_dscp_is_copied_as_asked(copy, outward, inward):
    assert (Attr.SA_EXTRA_FLAGS not in read(replace(OUT, copy_dscp=copy))[1]) == outward
    assert bool(read(replace(IN, copy_dscp=copy))[0].flags & StateFlag.DECAP_DSCP) == inward


@pytest.mark.parametrize(("tfc", "octets"), [(1000, 1000), (-1, 0xFFFFFFFF)])
def test_padding_of_outbound_tunnels(tfc, octets):
    assert word(read(replace(OUT, tfc=tfc))[1][Attr.TFCPAD]) == octets
    for other in (replace(IN, tfc=tfc), replace(OUT, tfc=tfc, mode=Mode.TRANSPORT)):
        assert Attr.TFCPAD not in read(other)[1]


def test_lifetimes_are_whole_seconds_rounded_up():
    body = sa_request(replace(OUT, lifetime=Lifetime(10.2, 20, 100, 200)), 1)
    assert word(body[96:104]) == 100
    assert [word(body[at : at + 8]) for at in (128, 136)] == [11, 20]


def test_cpu_and_direction():
    _, more = read(replace(OUT, cpu=3))
    assert (word(more[Attr.SA_PCPU]), more[Attr.SA_DIR]) == (3, b"\2")
    assert read(replace(IN, cpu=3))[1][Attr.SA_DIR] == b"\1"


def test_iptfs_has_the_options_of_its_direction():
    options = IpTfs(100, 5, True, 200, 3000, 1400)
    info, more = read(replace(OUT, mode=Mode.IPTFS, iptfs=options))
    assert info.mode == 5
    assert more[Attr.IPTFS_DONT_FRAG] == b""
    numbers = [more[kind] for kind in (Attr.IPTFS_INIT_DELAY, Attr.IPTFS_MAX_QSIZE, Attr.IPTFS_PKT_SIZE)]
    assert list(map(word, numbers)) == [200, 3000, 1400]
    assert Attr.IPTFS_DROP_TIME not in more
    _, more = read(replace(IN, mode=Mode.IPTFS, iptfs=options))
    assert (word(more[Attr.IPTFS_DROP_TIME]), more[Attr.IPTFS_REORDER_WINDOW]) == (100, b"\5\0")
    assert Attr.IPTFS_PKT_SIZE not in more


def test_ipcomp_takes_the_mode_and_esp_is_around_it():
    spec = replace(
        OUT, compression=Compression(2, 0x1234), mark=Mark(5), tfc=1000, copy_dscp=DscpCopy.NEITHER
    )
    info, more = read(spec)
    assert (info.mode, info.flags, Attr.TFCPAD in more) == (0, 0, False)
    body = compression_request(spec, 1)
    info, more = SaInfo.unpack(body), attributes(body[SA_INFO_SIZE:])
    assert (info.protocol, info.spi, info.mode, info.flags) == (108, 0x1234, 1, StateFlag.AF_UNSPEC)
    assert unpack_algorithm(more[Attr.ALG_COMP], sized=False) == ("deflate", b"")
    assert {Attr.MARK, Attr.SA_EXTRA_FLAGS} <= set(more)


def test_unknown_compression_is_refused():
    with pytest.raises(KernelError, match="IPComp transform with number 9"):
        compression_request(replace(OUT, compression=Compression(9, 1)), 1)


def test_reservation_bears_our_reqid():
    info = SaInfo.unpack(spi_request(SaId(SUN, MOON, IpProtocol.ESP, 0), 0x800FFFFF, 1, 2))
    assert (info.source, info.destination, info.reqid, info.spi) == (SUN, MOON, 0x800FFFFF, 0)


def test_sa_is_named_with_its_mark():
    assert naming(OUT.id, OUT) == naming(OUT.id, None)
    assert attributes(naming(OUT.id, replace(OUT, mark=Mark(5)))[24:]) == {
        Attr.MARK: bytes.fromhex("05000000 ffffffff")
    }
