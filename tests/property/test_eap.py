"""Two sides of EAP with one fault somewhere: whatever it is, both end, in words, and never believe a lie."""

from dataclasses import dataclass
from functools import cache

from hypothesis import event, given
from hypothesis import strategies as st
from simulation.authority import Issuer
from simulation.eap_sides import MAX_PACKETS, YEARS, own, peer, peer_tls, server, server_tls, talk, trust

from cygnet.base.secret import Secret
from cygnet.eap.methods.ttls_server import TtlsStyle
from cygnet.eap.packets import GTC, MD5, MSCHAPV2, PEAP, TLS, TTLS, Code, EapPacket
from cygnet.eap.ports import UserSecret
from cygnet.eap.tls.options import TlsVersion

TUNNELS = (TTLS, PEAP)


@dataclass(frozen=True)
class Case:
    """A method, what is inside, and which TLS."""

    method: object
    inner: object
    style: TtlsStyle
    version: TlsVersion
    fragment_size: int

    def sides(self, wrong=""):
        tls = {"version_max": self.version, "fragment_size": self.fragment_size, "max_messages": 100}
        peers = peer_tls(**tls, **PEER.get(wrong, dict)())
        servers = server_tls(**tls, **SERVER.get(wrong, dict)())
        wish = {"tls": peers, "inner": (self.inner,), "ttls_style": self.style}
        if wrong == "password":
            wish["secret"] = UserSecret(Secret(b"wrong"))
        identity = b"nobody" if wrong == "identity" else b"carol"
        allowed = () if wrong == "method" else (self.method,)
        return peer(allowed, identity, **wish), server([self.method], tls=servers)


@cache
def stranger():
    return Issuer("Stranger", age_days=YEARS)


PEER = {
    "server name": lambda: {"verify": trust("bbb.test")},
    "client expired": lambda: {"own": own("carol.test", age_days=(-9, -5))},
    "client unknown CA": lambda: {"own": own("carol.test", stranger())},
}
SERVER = {
    "server expired": lambda: {"own": own("aaa.test", age_days=(-9, -5))},
    "server unknown CA": lambda: {"own": own("aaa.test", stranger())},
}

CASES = st.builds(
    Case,
    st.sampled_from([MD5, GTC, MSCHAPV2, TLS, TTLS, PEAP]),
    st.sampled_from([MD5, GTC, MSCHAPV2]),
    st.sampled_from(TtlsStyle),
    st.sampled_from(TlsVersion),
    st.sampled_from([200, 1024]),
)


@given(CASES)
def test_without_a_fault_both_succeed_with_the_same_keys(case):
    result = talk(*case.sides())
    assert result.agreed, (result.peer.reason, result.server.reason)
    assert result.server.proof is not None and result.server.proof.identity == b"carol"


@given(CASES, st.sampled_from(["password", "identity", "method", *PEER, *SERVER]))
def test_wrong_side_is_refused_on_both_sides(case, wrong):
    if not applies(case, wrong):
        return
    event(wrong)
    result = talk(*case.sides(wrong))
    assert result.server.proof is None and result.peer.proof is None
    assert result.peer.reason or result.server.reason
    assert len(result.packets) < MAX_PACKETS


def applies(case, wrong):
    certificates = case.method in (TLS, *TUNNELS)
    if wrong in PEER or wrong in SERVER:
        return certificates
    return wrong == "method" or case.method != TLS


FAULTS = {
    "truncate": lambda octets, earlier, at: octets[: at % max(len(octets), 1)],
    "shorten": lambda octets, earlier, at: relength(octets[: 4 + at % max(len(octets) - 4, 1)]),
    "flip a bit": lambda octets, earlier, at: flip(octets, at),
    "replay": lambda octets, earlier, at: earlier[at % len(earlier)] if earlier else octets,
    "replay renumbered": lambda octets, earlier, at: renumber(octets, earlier, at),
    "append": lambda octets, earlier, at: relength(octets + bytes([at % 256]) * (at % 3000 + 1)),
    "other type": lambda octets, earlier, at: octets[:4] + bytes([at % 256]) + octets[5:],
    "success": lambda octets, earlier, at: EapPacket(Code.SUCCESS, octets[1]).build(),
    "failure": lambda octets, earlier, at: EapPacket(Code.FAILURE, octets[1]).build(),
    "empty": lambda octets, earlier, at: b"",
}


def relength(octets):
    return octets[:2] + len(octets).to_bytes(2, "big") + octets[4:]


def flip(octets, at):
    changed = bytearray(octets)
    changed[at // 8 % len(octets)] ^= 1 << at % 8
    return bytes(changed)


def renumber(octets, earlier, at):
    old = [packet for packet in earlier if packet[0] == octets[0]]
    return old[at % len(old)][:1] + octets[1:2] + old[at % len(old)][2:] if old else octets


@given(CASES, st.sampled_from(sorted(FAULTS)), st.integers(0, 30), st.integers(0, 10**6))
def test_fault_on_the_way_ends_in_words_or_changes_nothing(case, fault, number, at):
    event(fault)
    earlier = []

    def meddle(count, octets):
        sent = FAULTS[fault](octets, earlier, at) if count == number else octets
        earlier.append(octets)
        return sent

    result = talk(*case.sides(), meddle)
    assert len(result.packets) < MAX_PACKETS
    assert result.peer.over or result.server.over
    if result.peer.proof and result.server.proof:
        assert result.agreed
    if result.peer.proof and not result.server.proof:
        # Only an EAP-Success that nothing protects can be forged (RFC 3748, 7.12).
        assert fault == "success" and forgeable(case)


def forgeable(case):
    """Methods whose peer has said all it has to say before the server's verdict."""
    return case.method in (MD5, GTC, TTLS) or (case.method == TLS and case.version == TlsVersion.TLS_1_2)
