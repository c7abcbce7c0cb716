"""The filter programs, run by a small machine (``bpf_machine``) and compared with what they should decide."""

from hypothesis import given
from hypothesis import strategies as st

from bpf_machine import run
from cygnet.runtime.network import filters

MEMBERS = ("charon", "pluto", "espd")
PORT = 500
NAT_T = 4500


def member(data: bytes, members: tuple[str, ...], *, nat_t: bool) -> str:
    """Who should get a datagram."""
    if nat_t:
        if len(data) < 4:
            return members[0]
        if data[:4] != bytes(4):
            return "espd" if "espd" in members else "charon"
        data = data[4:]
    if len(data) < 18:
        return members[0]
    return "pluto" if data[17] >> 4 == 1 and "pluto" in members else "charon"


ike = st.builds(lambda version, tail: bytes(17) + bytes([version]) + tail,
                st.integers(0, 255), st.binary(max_size=20))
payloads = st.one_of(st.binary(max_size=40), ike, ike.map(lambda data: bytes(4) + data))
groups = st.permutations(MEMBERS).flatmap(lambda order: st.sampled_from([
    tuple(order), *[tuple(m for m in order if m != left) for left in ("pluto", "espd")], ("charon",)]))


@given(payloads, groups, st.booleans())
def test_group_gives_each_member_its_own(data: bytes, members: tuple[str, ...], nat_t: bool) -> None:
    if not nat_t:
        members = tuple(name for name in members if name != "espd")
    program = filters.nat_t_group(members) if nat_t else filters.ike_group(members)
    assert members[run(program, data)] == member(data, members, nat_t=nat_t)


@given(
    payloads, st.sampled_from([PORT, NAT_T, 501, 0]), st.integers(5, 15), st.sampled_from([4, 6]),
    st.sampled_from([1, 2]),
)  # fmt: skip
def test_raw_socket_passes_its_version_and_nothing_else(
    data: bytes, port: int, words: int, family: int, version: int
) -> None:
    udp = (1234).to_bytes(2, "big") + port.to_bytes(2, "big") + bytes(4) + data
    packet = bytes([0x40 | words]) + bytes(words * 4 - 1) + udp if family == 4 else udp
    program = (filters.raw_ipv4 if family == 4 else filters.raw_ipv6)(PORT, NAT_T, version)
    message = data if port == PORT else data[4:] if port == NAT_T and data[:4] == bytes(4) else b""
    assert bool(run(program, packet)) == (len(message) > 17 and message[17] >> 4 == version)


@given(payloads, st.sampled_from([PORT, NAT_T, 501, 0]), st.integers(5, 15), st.sampled_from([4, 6]))
def test_raw_socket_of_espd_passes_esp_in_udp_and_nothing_else(
    data: bytes, port: int, words: int, family: int
) -> None:
    udp = (1234).to_bytes(2, "big") + port.to_bytes(2, "big") + bytes(4) + data
    packet = bytes([0x40 | words]) + bytes(words * 4 - 1) + udp if family == 4 else udp
    program = filters.raw_esp_ipv4(NAT_T) if family == 4 else filters.raw_esp_ipv6(NAT_T)
    assert bool(run(program, packet)) == (port == NAT_T and len(data) >= 4 and data[:4] != bytes(4))


@given(st.binary(max_size=100))
def test_no_packet_passes_a_guard(packet: bytes) -> None:
    assert run(filters.drop_all(), packet) == 0
