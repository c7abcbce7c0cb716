"""What a CHILD_SA has beside keys and selectors: AH, sequence numbers, padding, marks, windows, policies."""

from dataclasses import replace

import pytest
from simulation.meddling import Meddling, adding
from simulation.network import SourceNat
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.base.addresses import Host
from cygnet.base.effects import Effect, Send
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Delete, Notify
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Initiate, KernelExpire, RekeyChild, RekeyIke, TerminateChild, TerminateIke
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import IpProtocol, Mark, SaSpec
from cygnet.keying.config.records import UniqueMark
from cygnet.keying.config.settings import DaemonSettings

AH = parse_proposals("sha256-sha512!", Protocol.AH)


def specs(pair: Pair, whose: str = "alice") -> tuple[SaSpec, SaSpec]:
    """The inbound and the outbound SA in a kernel."""
    found = getattr(pair, whose).kernel.sas.values()
    return next(one for one in found if one.inbound), next(one for one in found if not one.inbound)


def both(**changes: object) -> Pair:
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, **changes)
    return pair


# AH (RFC 4302)


def test_ah_has_integrity_and_no_encryption() -> None:
    pair = both(proposals=AH)
    # I -> R  IKE_AUTH { …, SA (AH: HMAC_SHA2_256_128, HMAC_SHA2_512_256), TSi, TSr }
    pair.connect()
    assert pair.is_up()
    for spec in specs(pair):
        assert spec.id.protocol is IpProtocol.AH
        assert (spec.encryption, spec.integrity and spec.integrity.number) == (None, 12)
        assert spec.integrity is not None and len(spec.integrity.key.reveal()) == 32
    assert {policy.protocol for policy in pair.bob.kernel.policies} == {IpProtocol.AH}
    (child,) = pair.children(pair.alice)
    assert (child.protocol, child.proposal) == ("AH", "HMAC_SHA2_256_128")


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_ah_is_rekeyed_and_deleted_by_either_side(whose: str) -> None:
    pair = both(proposals=AH)
    pair.connect()
    peer = getattr(pair, whose)
    # whose -> other  CREATE_CHILD_SA { N(REKEY_SA, AH), SA, Ni, TSi, TSr }
    # whose -> other  INFORMATIONAL { D (AH) }
    peer.order(peer.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run()
    assert peer.finished(3).ok
    assert pair.is_up()
    peer.order(peer.sa, TerminateChild(name="net-net"))
    pair.network.run(6)  # the inbound half of the rekeyed one is kept for a while
    assert pair.is_up(children=0)
    assert pair.alice.kernel.is_empty() and pair.bob.kernel.is_empty()


def test_expiry_of_an_ah_sa_rekeys_it() -> None:
    pair = both(proposals=AH)
    sa = pair.connect()
    old = pair.children(pair.alice)[0]
    pair.alice.order(sa, KernelExpire(old.outbound, hard=False))
    pair.network.run()
    assert pair.is_up()
    assert pair.children(pair.alice)[0].inbound != old.inbound
    assert pair.alice.said(f"creating rekey job for CHILD_SA AH/0x{old.outbound.spi:08x}/192.0.2.2")


def test_ah_and_esp_do_not_go_together_and_both_logs_say_so() -> None:
    pair = Pair()
    pair.change_child("alice", proposals=AH)
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.bob.said("no acceptable protocol found (received AH, configured ESP)")
    assert pair.alice.said("received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built")


def test_deletion_of_an_esp_spi_leaves_ah_alone() -> None:
    pair = both(proposals=AH)
    pair.connect()
    spi = specs(pair)[0].id.spi.to_bytes(4, "big")
    Meddling(pair, "alice", Exchange.INFORMATIONAL, lambda _: (Delete(Protocol.ESP, (spi,)),), False)
    pair.alice.order(pair.alice.sa, TerminateChild(name="net-net"))
    pair.network.run(1)
    assert len(pair.bob.kernel.sas) == 2
    assert pair.bob.said(f"received DELETE for unknown ESP CHILD_SA with SPI {spi.hex()}")


@pytest.mark.parametrize("forced", [False, True])
def test_ah_is_not_tried_through_a_nat(forced: bool) -> None:
    pair = both(proposals=AH)
    if forced:
        pair.change("alice", ike=replace(pair.alice_config.ike, force_encaps=True))
    else:
        pair.network.filters.append(SourceNat(pair.alice.host, Host.of("203.0.113.9")))
    pair.connect()
    assert pair.alice.said("AH cannot pass a NAT: use esp= instead of ah=")
    assert not pair.alice.finished().ok
    assert pair.alice.kernel.is_empty()


def test_kernel_without_ah_says_so() -> None:
    pair = both(proposals=AH)
    pair.bob.kernel.features = replace(pair.bob.kernel.features, protocols=frozenset({IpProtocol.ESP}))
    # R -> I  IKE_AUTH { IDr, AUTH, N(NO_PROPOSAL_CHOSEN) }
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.bob.said("no AH here")


# Sequence numbers (RFC 4303, 2.2.1)


@pytest.mark.parametrize(
    ("alice", "bob", "expected"),
    [("aes128gcm16-esn!", "aes128gcm16-esn!", True), ("aes128gcm16-esn-noesn!", "aes128gcm16-noesn!", False),
     ("aes128gcm16-esn-noesn!", "aes128gcm16-esn!", True), ("aes128gcm16!", "aes128gcm16-noesn!", False)],
)  # fmt: skip
def test_extended_sequence_numbers_are_negotiated(alice: str, bob: str, expected: bool) -> None:
    pair = Pair()
    pair.change_child("alice", proposals=parse_proposals(alice, Protocol.ESP))
    pair.change_child("bob", proposals=parse_proposals(bob, Protocol.ESP))
    pair.connect()
    assert pair.is_up()
    assert [spec.esn for spec in specs(pair)] == [expected] * 2


def test_extended_sequence_numbers_against_plain_ones_are_no_proposal() -> None:
    pair = Pair()
    pair.change_child("alice", proposals=parse_proposals("aes128gcm16-esn!", Protocol.ESP))
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.bob.said("no acceptable EXTENDED_SEQUENCE_NUMBERS found")


# TFC padding (RFC 4303, 2.7)


def test_padding_is_sent_where_it_is_configured_and_never_declined_without_need() -> None:
    pair = Pair()
    pair.change_child("alice", tfc=-1)
    pair.connect()
    assert [spec.tfc for spec in specs(pair)] == [0, -1]
    assert [spec.tfc for spec in specs(pair, "bob")] == [0, 0]
    assert not pair.bob.said("ESP_TFC_PAD_N")


@pytest.mark.parametrize(("lacking", "padding"), [("alice", "bob"), ("bob", "alice")])
def test_data_plane_without_padding_declines_it(lacking: str, padding: str) -> None:
    pair = both(tfc=1000)
    kernel = getattr(pair, lacking).kernel
    kernel.features = replace(kernel.features, tfc=False)
    # lacking -> padding  IKE_AUTH { …, N(ESP_TFC_PADDING_NOT_SUPPORTED), SA, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert specs(pair, padding)[1].tfc == 0
    assert specs(pair, lacking)[1].tfc == 1000
    said = "received ESP_TFC_PADDING_NOT_SUPPORTED, not using ESPv3 TFC padding"
    assert getattr(pair, padding).said(said)


def test_padding_declined_at_rekeying_is_declined() -> None:
    pair = both(tfc=1000)
    pair.connect()
    Meddling(pair, "bob", Exchange.CREATE_CHILD_SA, adding(Notify(NotifyType.ESP_TFC_PADDING_NOT_SUPPORTED)))
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()
    assert specs(pair)[1].tfc == 0


# Marks, reqids, windows, policies


def test_marks_go_to_policies_and_to_the_outbound_sa() -> None:
    pair = Pair()
    pair.change_child("alice", mark_in=Mark(1), mark_out=Mark(2, 0xFF))
    pair.connect()
    assert pair.is_up()
    assert [spec.mark for spec in specs(pair)] == [None, Mark(2, 0xFF)]
    marks = {policy.direction: policy.mark for policy in pair.alice.kernel.policies}
    assert marks == {"out": Mark(2, 0xFF), "in": Mark(1), "fwd": Mark(1)}


def marks_of(pair: Pair) -> set[tuple[Mark | None, Mark | None]]:
    policies = pair.alice.kernel.policies
    into = {policy.mark for policy in policies if policy.direction == "in"}
    return {(one, policy.mark) for one in into for policy in policies if policy.direction == "out"}


def test_unique_mark_is_one_for_both_directions_and_stays_with_rekeying() -> None:
    pair = Pair()
    pair.change_child("alice", mark_in=UniqueMark(), mark_out=UniqueMark())
    sa = pair.connect()
    assert marks_of(pair) == {(Mark(1), Mark(1))}
    for peer in (pair.alice, pair.bob):
        peer.order(peer.sa, RekeyChild(name="net-net"))
        pair.network.run()
        assert pair.is_up()
        assert marks_of(pair) == {(Mark(1), Mark(1))}
    pair.alice.order(sa, Initiate(pair.alice_config.children[0]))
    pair.network.run()
    assert {policy.mark for policy in pair.alice.kernel.policies} == {Mark(1), Mark(2)}
    assert len({child.reqid for child in pair.children(pair.alice)}) == 2


@pytest.mark.parametrize("make_before_break", [True, False])
def test_unique_mark_stays_with_reauthentication(make_before_break: bool) -> None:
    pair = Pair(settings=DaemonSettings(make_before_break=make_before_break))
    pair.change_child("alice", mark_in=UniqueMark(), mark_out=UniqueMark())
    pair.change("alice", reauth=True)
    old = pair.connect()
    pair.alice.order(old, RekeyIke())
    pair.network.run(60)
    assert pair.is_up() and pair.alice.sa is not old
    assert marks_of(pair) == {(Mark(1), Mark(1))}


def test_unique_marks_may_differ_by_direction_and_keep_to_their_mask() -> None:
    pair = Pair()
    one = UniqueMark(0xFF, per_direction=True)
    pair.change_child("alice", mark_in=one, mark_out=one)
    pair.connect()
    assert marks_of(pair) == {(Mark(1, 0xFF), Mark(2, 0xFF))}


def test_fixed_reqid_and_window_reach_the_kernel_also_after_rekeying() -> None:
    pair = Pair()
    pair.change_child("alice", reqid=4711, replay_window=4096)
    pair.connect()
    pair.bob.order(pair.bob.sa, RekeyChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()
    assert {(spec.reqid, spec.replay_window) for spec in specs(pair)} == {(4711, 4096)}
    assert {policy.reqid for policy in pair.alice.kernel.policies} == {4711}


def test_policies_are_left_to_others_where_told_so() -> None:
    pair = Pair()
    pair.change_child("alice", install_policies=False)
    sa = pair.connect()
    assert pair.is_up()
    assert not pair.alice.kernel.policies and pair.bob.kernel.policies
    pair.alice.order(sa, TerminateIke())
    pair.network.run()
    assert pair.is_clean()


@pytest.mark.parametrize(("proposal", "bits"), [("aes128-sha256!", 96), ("aes128-sha512!", 0)])
def test_sha256_is_cut_to_96_bits_and_nothing_else_is(proposal: str, bits: int) -> None:
    pair = both(sha256_96=True, proposals=parse_proposals(proposal, Protocol.ESP))
    pair.connect()
    assert pair.is_up()
    assert [spec.integrity and spec.integrity.icv_bits for spec in specs(pair)] == [bits, bits]


# DSCP of IKE packets (ikedscp)


def test_ike_packets_are_marked_as_configured_by_either_side() -> None:
    pair, sent = Pair(), {"alice": set[int](), "bob": set[int]()}
    for whose, dscp in (("alice", 0b101110), ("bob", 0b011010)):
        config = getattr(pair, f"{whose}_config")
        pair.change(whose, ike=replace(config.ike, dscp=dscp))
        noting(getattr(pair, whose), sent[whose])
    pair.connect()
    assert pair.is_up()
    assert sent == {"alice": {0b101110}, "bob": {0b011010}}


def noting(peer: Peer, sent: set[int]) -> None:
    perform = peer.perform

    def note(sa: IkeSa, effects: list[Effect]) -> None:
        sent.update(one.dscp for one in effects if isinstance(one, Send))
        perform(sa, effects)

    peer.perform = note  # type: ignore[method-assign]
