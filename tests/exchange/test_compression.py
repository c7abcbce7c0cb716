"""IPComp beside ESP and AH (RFC 7296, 2.22)."""

from dataclasses import replace

import pytest
from simulation.meddling import Change, Meddling, adding
from simulation.pair import Pair

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.orders import RekeyChild, TerminateIke
from cygnet.kernel.port import Compression

DEFLATE, LZS = 2, 3


def compressing(alice: bool = True, bob: bool = True) -> Pair:
    pair = Pair()
    pair.change_child("alice", compress=alice)
    pair.change_child("bob", compress=bob)
    return pair


def supported(cpi: int, transform: int = DEFLATE) -> Notify:
    return Notify(NotifyType.IPCOMP_SUPPORTED, cpi.to_bytes(2, "big") + bytes((transform,)))


def compressions(pair: Pair) -> set[Compression | None]:
    return {spec.compression for one in (pair.alice, pair.bob) for spec in one.kernel.sas.values()}


def test_both_get_it_with_a_cpi_for_each_direction() -> None:
    pair = compressing()
    pair.bob.kernel.allocate_cpi(pair.alice.host.address, pair.bob.host.address)
    # I -> R  IKE_AUTH { …, N(IPCOMP_SUPPORTED: CPI 256, DEFLATE), SA, TSi, TSr }
    # R -> I  IKE_AUTH { …, N(IPCOMP_SUPPORTED: CPI 257, DEFLATE), SA, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {Compression(DEFLATE, 256), Compression(DEFLATE, 257)}
    (child,) = pair.children(pair.alice)
    assert child.cpis == (256, 257)
    assert pair.alice.kernel.sas[child.inbound].compression == Compression(DEFLATE, 256)
    assert all(policy.compression for policy in pair.alice.kernel.policies)


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeying_takes_new_cpis_and_leaves_no_old_ones(whose: str) -> None:
    pair = compressing()
    pair.connect()
    peer = getattr(pair, whose)
    peer.order(peer.sa, RekeyChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()
    assert None not in compressions(pair)
    assert len(pair.alice.kernel.cpis) == len(pair.bob.kernel.cpis) == 1
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.run()
    assert pair.is_clean()


@pytest.mark.parametrize(("alice", "bob"), [(True, False), (False, True), (False, False)])
def test_one_side_alone_does_not_compress(alice: bool, bob: bool) -> None:
    pair = compressing(alice, bob)
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {None}
    assert not pair.alice.kernel.cpis and not pair.bob.kernel.cpis
    assert pair.bob.said("received IPCOMP_SUPPORTED notify but IPComp is disabled, ignoring") is alice
    assert pair.alice.said("peer didn't accept our proposed IPComp transforms, IPComp is disabled") is alice


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_kernel_without_a_cpi_goes_on_without_compression(whose: str) -> None:
    pair = compressing()
    getattr(pair, whose).kernel.fail_next("allocate_cpi", "all are taken")
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {None}
    text = "unable to allocate a CPI from kernel, IPComp disabled: all are taken"
    assert getattr(pair, whose).said(text)
    assert not pair.alice.kernel.cpis and not pair.bob.kernel.cpis


def test_first_transform_that_the_kernel_has_is_chosen() -> None:
    pair = compressing()
    pair.alice.kernel.features = replace(pair.alice.kernel.features, compression=frozenset({DEFLATE, LZS}))
    pair.bob.kernel.features = replace(pair.bob.kernel.features, compression=frozenset({LZS}))
    # I -> R  IKE_AUTH { …, N(IPCOMP_SUPPORTED: DEFLATE), N(IPCOMP_SUPPORTED: LZS), SA, TSi, TSr }
    # R -> I  IKE_AUTH { …, N(IPCOMP_SUPPORTED: LZS), SA, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert {one.transform for one in compressions(pair) if one} == {LZS}
    assert pair.bob.said("with a transform ID we don't support IPCOMP_DEFLATE")


def changed(notify: Notify) -> Change:
    def change(payloads: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
        kept = [one for one in payloads if getattr(one, "type", 0) != NotifyType.IPCOMP_SUPPORTED]
        return (*kept, notify)

    return change


@pytest.mark.parametrize(
    ("compress", "change", "why"),
    [
        (False, adding(supported(300)), "without requesting one, no CHILD_SA built"),
        (True, adding(supported(300)), "we didn't propose, no CHILD_SA built"),  # one too many
        (True, changed(supported(300, LZS)), "we didn't propose, no CHILD_SA built"),
        (True, changed(supported(0)), "senseless IPCOMP_SUPPORTED notify '000002'"),
        (True, changed(Notify(NotifyType.IPCOMP_SUPPORTED, b"\1\2")), "IPCOMP_SUPPORTED notify '0102'"),
    ],
)  # fmt: skip
def test_answers_that_the_rfc_forbids_make_no_child(compress: bool, change: Change, why: str) -> None:
    pair = compressing(alice=compress)
    Meddling(pair, "bob", Exchange.IKE_AUTH, change)
    pair.connect(5)
    assert not pair.alice.finished().ok
    assert pair.alice.said(why)
    assert pair.is_up(children=0)
    assert not pair.alice.kernel.cpis and not pair.bob.kernel.cpis


def test_senseless_offer_is_no_offer() -> None:
    pair = compressing()
    Meddling(pair, "alice", Exchange.IKE_AUTH, changed(Notify(NotifyType.IPCOMP_SUPPORTED, b"")), False)
    pair.connect(5)
    assert pair.is_up()
    assert compressions(pair) == {None}
    assert pair.bob.said("received senseless IPCOMP_SUPPORTED notify ''")
