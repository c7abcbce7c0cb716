"""IPComp beside ESP and AH in quick mode (RFC 2407, 4.4.5; RFC 3173, 4.1)."""

from dataclasses import replace
from itertools import chain

import pytest
from simulation.ikev1 import Pair

from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import Compression, KernelError, Mode
from cygnet.pluto.encoding import phase2_offers
from cygnet.pluto.encoding.payloads import SecurityAssociation
from cygnet.pluto.sa.orders import RekeyChild, TerminateIke

DEFLATE, LZS = 2, 3


def compressing(alice=True, bob=True):
    pair = Pair()
    pair.change_child("alice", compress=alice)
    pair.change_child("bob", compress=bob)
    pair.bob.kernel.allocate_cpi(pair.alice.host.address, pair.bob.host.address)  # lest both are the same
    pair.bob.kernel.cpis.clear()
    return pair


def compressions(pair):
    return {spec.compression for one in (pair.alice, pair.bob) for spec in one.kernel.sas.values()}


def changed_offers(monkeypatch, change):
    """Every payload that offers something for phase 2 is ``change``\\ d on its way out."""
    original = phase2_offers.offer

    def offer(*arguments):
        return SecurityAssociation(tuple(chain.from_iterable(map(change, original(*arguments).proposals))))

    monkeypatch.setattr(phase2_offers, "offer", offer)


def test_both_get_it_with_a_cpi_for_each_direction():
    # I -> R  { HASH(1), SA(1: ESP, 1: IPCOMP CPI 256 DEFLATE, 2: ESP), Ni, IDci, IDcr }
    # I <- R  { HASH(2), SA(1: ESP, 1: IPCOMP CPI 257 DEFLATE), Nr, IDci, IDcr }
    # I -> R  { HASH(3) }
    pair = compressing()
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {Compression(DEFLATE, 256), Compression(DEFLATE, 257)}
    (child,) = pair.alice.children
    assert child.cpis == (256, 257)
    assert pair.alice.kernel.sas[child.inbound].compression == Compression(DEFLATE, 256)
    assert all(policy.compression for policy in pair.alice.kernel.policies)


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeying_takes_new_cpis_and_leaves_no_old_ones(whose):
    pair = compressing()
    pair.connect()
    peer = getattr(pair, whose)
    old = {child.inbound for child in peer.children}
    peer.order(peer.sa, RekeyChild(name="net-net"))
    pair.network.run(2)
    assert None not in compressions(pair)
    (new,) = [child for child in peer.children if child.inbound not in old]
    assert new.cpis and new.cpis != (256, 257)
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.run(1)
    assert pair.is_clean()


@pytest.mark.parametrize(("alice", "bob"), [(True, False), (False, True), (False, False)])
def test_one_side_alone_does_not_compress(alice, bob):
    # I -> R  { HASH(1), SA(1: ESP, 1: IPCOMP, 2: ESP), … }
    # I <- R  { HASH(2), SA(2: ESP), … }
    pair = compressing(alice, bob)
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {None}
    assert not pair.alice.kernel.cpis and not pair.bob.kernel.cpis
    assert any("IPComp is disabled" in line for line in pair.alice.log) is alice


@pytest.mark.parametrize("changes", [
    {"proposals": parse_proposals("sha256!", Protocol.AH)},
    {"proposals": parse_proposals("aes128-sha256-curve25519!", Protocol.ESP)},
    {"mode": Mode.TRANSPORT},
])  # fmt: skip
def test_beside_ah_with_perfect_forward_secrecy_and_in_transport_mode(changes):
    pair = compressing()
    pair.change_child(**changes)
    pair.connect()
    assert pair.is_up()
    assert None not in compressions(pair)


@pytest.mark.parametrize("whose", ["alice", "bob"])
@pytest.mark.parametrize("transforms", [frozenset(), frozenset({LZS})])
def test_kernels_without_a_transform_in_common_do_without(whose, transforms):
    pair = compressing()
    kernel = getattr(pair, whose).kernel
    kernel.features = replace(kernel.features, compression=transforms)
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {None}
    assert not pair.alice.kernel.cpis and not pair.bob.kernel.cpis


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_no_cpi_left_is_no_reason_to_be_without_a_tunnel(whose, monkeypatch):
    def refuse(source, destination):
        raise KernelError("no CPI is free")

    pair = compressing()
    monkeypatch.setattr(getattr(pair, whose).kernel, "allocate_cpi", refuse)
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {None}
    assert any("unable to allocate a CPI" in line for line in getattr(pair, whose).log)


def test_first_transform_that_both_have_is_chosen():
    pair = compressing()
    pair.alice.kernel.features = replace(pair.alice.kernel.features, compression=frozenset({DEFLATE, LZS}))
    pair.bob.kernel.features = replace(pair.bob.kernel.features, compression=frozenset({LZS}))
    pair.connect()
    assert pair.is_up()
    assert {one.transform for one in compressions(pair)} == {LZS}


def test_cpi_of_four_octets_is_understood(monkeypatch):
    # RFC 3173, 4.1: the two octets before the CPI MUST be ignored
    pair = compressing()
    changed_offers(
        monkeypatch, lambda one: [replace(one, spi=b"\7\7" + one.spi) if one.protocol == 4 else one]
    )
    pair.connect()
    assert pair.is_up()
    assert None not in compressions(pair)


@pytest.mark.parametrize("cpi", [b"", b"\0\1", b"\xff\xff", b"\1\0\0\1", b"\1\1\1"])
def test_cpi_that_is_none_is_as_good_as_no_compression(cpi, monkeypatch):
    pair = compressing()
    changed_offers(monkeypatch, lambda one: [replace(one, spi=cpi) if one.protocol == 4 else one])
    pair.connect()
    assert pair.is_up()
    assert compressions(pair) == {None}


def test_peer_that_insists_on_it_is_refused_without():
    # I -> R  { HASH(1), SA(1: ESP, 1: IPCOMP), … }    RFC 2408, 4.2: both or none
    # I <- R  { HASH(1), N(NO_PROPOSAL_CHOSEN) }
    pair = compressing(bob=False)
    with pytest.MonkeyPatch.context() as patch:
        changed_offers(patch, lambda one: [one] if one.number == 1 else [])
        pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason
    assert any("peer insists on IPComp" in line for line in pair.bob.log)
    assert pair.is_up(children=0)
    assert not pair.alice.kernel.cpis


def test_answer_with_a_transform_that_was_not_offered_is_refused(monkeypatch):
    pair = compressing()
    original = phase2_offers.Phase2Terms.answer

    def answer(terms, spi, compression):
        transforms = (replace(compression.transforms[0], id=LZS),)
        return original(terms, spi, replace(compression, transforms=transforms))

    monkeypatch.setattr(phase2_offers.Phase2Terms, "answer", answer)
    pair.connect()
    assert "IPComp transform that we did not offer" in pair.alice.outcome().reason
    assert not pair.alice.children and not pair.alice.kernel.cpis


@pytest.mark.parametrize("repeated", [True, False])
def test_answer_that_says_esp_again_without_means_the_first(repeated, monkeypatch):
    # I <- R  { HASH(2), SA(1: ESP, 1: IPCOMP CPI 257, 2: ESP), … }    strongSwan's way
    pair = compressing()
    original = phase2_offers.Phase2Terms.answer

    def answer(terms, spi, compression):
        made = original(terms, spi, compression)
        again = replace(made.proposals[0], number=2, spi=spi if repeated else b"else")
        return SecurityAssociation((*made.proposals, again))

    monkeypatch.setattr(phase2_offers.Phase2Terms, "answer", answer)
    pair.connect()
    assert bool(pair.alice.children) is repeated
    if repeated:
        assert pair.is_up()
        assert None not in compressions(pair)
    else:
        assert "not exactly one transform chosen" in pair.alice.outcome().reason
