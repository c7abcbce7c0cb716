"""``charon.plugins.eap-…`` of ``strongswan.conf`` in whole conversations, and users who take their time."""

from typing import Any

import pytest
from simulation.eap_pair import certify, eap_pair
from simulation.meddling import Meddling
from simulation.network import Datagram
from simulation.pair import Pair

from cygnet.base.secret import Secret
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload
from cygnet.charon.encoding.payloads import Eap
from cygnet.eap.mschap import nt_hash_of
from cygnet.eap.packets import MSCHAPV2, PEAP, TLS, TTLS, EapType
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.settings import DaemonSettings

OVER_TLS = [TLS, TTLS, PEAP]


def tls_pair(method: EapType, **settings: Any) -> Pair:
    pair = eap_pair(method, pair=Pair(settings=DaemonSettings(**settings)))
    certify(pair)
    return pair


def sizes(pair: Pair) -> list[int]:
    """Those of the EAP packets that travel from now on."""
    found: list[int] = []

    def note(payloads: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
        found.extend(len(one.data) for one in payloads if isinstance(one, Eap))
        return payloads

    Meddling(pair, "alice", Exchange.IKE_AUTH, note, response=False)
    Meddling(pair, "bob", Exchange.IKE_AUTH, note)
    return found


@pytest.mark.parametrize("method", OVER_TLS)
def test_fragments_are_as_large_as_configured(method: EapType) -> None:
    word = str(method).lower().replace("-", "_")
    large, small = tls_pair(method), tls_pair(method, **{f"{word}_fragment_size": 300})
    found = sizes(large), sizes(small)
    for pair in (large, small):
        pair.connect(10)
        assert pair.is_up(), pair.bob.log
    assert max(found[0]) > 300 >= max(found[1]) > 250
    assert len(found[1]) > len(found[0])


@pytest.mark.parametrize("method", OVER_TLS)
@pytest.mark.parametrize("messages", [3, 0])
def test_packets_of_a_conversation_are_bounded(method: EapType, messages: int) -> None:
    """0: as many as an EAP conversation may have at all."""
    word = str(method).lower().replace("-", "_")
    pair = tls_pair(method, **{f"{word}_max_messages": messages, f"{word}_fragment_size": 100})
    pair.connect(10)
    assert pair.is_up() is (messages == 0), pair.bob.log
    if messages:
        assert any(f"{method}: more than 3 packets" in line for line in (*pair.alice.log, *pair.bob.log))


@pytest.mark.parametrize("method", [TTLS, PEAP])
@pytest.mark.parametrize(("inner", "works"), [("mschapv2", True), ("eap-mschapv2", True), ("md5", False)])
def test_method_inside_is_the_one_configured(method: EapType, inner: str, works: bool) -> None:
    """Bob knows an NT hash, which is enough for MSCHAPv2 alone."""
    word = str(method).lower().replace("-", "_")
    pair = tls_pair(method, **{f"{word}_method": inner})
    hashed = nt_hash_of(UserSecret(Secret(b"a password")))
    assert hashed is not None
    pair.bob.store.passwords["carol"] = UserSecret(nt_hash=hashed)
    pair.connect()
    assert pair.is_up() is works, pair.bob.log


@pytest.mark.parametrize("method", [TTLS, PEAP])
@pytest.mark.parametrize("certified", [True, False])
def test_user_has_to_show_a_certificate_too(method: EapType, certified: bool) -> None:
    word = str(method).lower().replace("-", "_")
    pair = tls_pair(method, **{f"{word}_peer_auth": True})
    if not certified:
        pair.alice.store.keys.clear()
    pair.connect()
    assert pair.is_up() is certified, pair.bob.log


@pytest.mark.parametrize("method", [TTLS, PEAP])
def test_posture_that_nobody_can_assess_lets_nobody_in(method: EapType) -> None:
    word = str(method).lower().replace("-", "_")
    pair = tls_pair(method, **{f"{word}_tnc": True})
    # R -> I  IKE_AUTH { EAP/FAIL }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("is not offered: TNC (phase2_tnc) is not part of this version")


def test_peap_asks_with_the_end_of_the_handshake_if_told_to() -> None:
    pair = tls_pair(PEAP, eap_peap_piggyback=True)
    pair.connect()
    assert pair.is_up(), pair.bob.log


# Slow users: what counts is the time from IKE_SA_INIT on, as with strongSwan


@pytest.mark.parametrize(("seconds", "timeout", "works"), [
    (20, 30, True), (40, 30, False), (40, 120, True), (80, 0, True),
])  # fmt: skip
def test_user_who_takes_time_to_answer(seconds: float, timeout: float, works: bool) -> None:
    """A dialogue that goes on is half open all the same: ``charon.half_open_timeout``, 0 for ever."""
    pair = eap_pair(MSCHAPV2, pair=Pair(settings=DaemonSettings(half_open_timeout_s=timeout)))
    pair.change("alice", keying_tries=1)
    begun, answers = pair.network.now, list[Datagram]()

    def think(datagram: Datagram) -> Datagram | None:
        """Alice's second answer is typed by hand."""
        of_alice = pair.alice.home.has(datagram.source.address)
        if of_alice and datagram.data[18] == Exchange.IKE_AUTH and datagram.data[23] == 3:
            answers.append(datagram)
            return datagram if pair.network.now >= begun + seconds else None
        return datagram

    pair.network.filters.append(think)
    # R -> I  IKE_AUTH { EAP/REQ/MSCHAPV2 }
    # … I -> R  IKE_AUTH { EAP/RES/MSCHAPV2 }
    pair.connect(300)
    assert answers
    assert pair.is_up() is works, pair.bob.log
    if not works:
        assert pair.bob.said("deleting half open IKE_SA with 192.0.2.1 after timeout"), pair.bob.log
        assert pair.is_clean()


def test_each_setting_is_of_its_own_method() -> None:
    pair = tls_pair(TLS, eap_ttls_max_messages=1, eap_peap_max_messages=1)
    pair.connect()
    assert pair.is_up()
