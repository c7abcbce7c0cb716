"""IKEv1 with public keys that both sides have been told, without certificates."""

from dataclasses import replace

import pytest
from simulation.ikev1 import BOB, Pair

from cygnet.base.identities import Identity
from cygnet.keying.sa.credentials import OwnKey


def keys(pair: Pair, kind: str = "rsa") -> tuple[bytes, bytes]:
    """Both have a key and no certificate; the public halves, Alice's first."""
    pair.certify(kind)
    for peer in (pair.alice, pair.bob):
        peer.store.anchors.clear()
        peer.store.keys = [OwnKey(own.key) for own in peer.store.keys]
    return pair.alice.store.keys[0].key.public_der, pair.bob.store.keys[0].key.public_der


def configure(pair: Pair, whose: str, local: bytes, remote: bytes) -> None:
    """``leftsigkey`` and ``rightsigkey`` of one side."""
    old = getattr(pair, f"{whose}_config")
    ours, theirs = replace(old.local, public_keys=(local,)), replace(old.remote, public_keys=(remote,))
    pair.change(whose, local=ours, remote=theirs)


@pytest.mark.parametrize("kind", ["rsa", "ec256"])
def test_keys_of_the_connection_do_without_certificates(kind):
    # I -> R  HDR*, IDii, SIG_I
    # I <- R  HDR*, IDir, SIG_R
    pair = Pair()
    alice, bob = keys(pair, kind)
    configure(pair, "alice", alice, bob)
    configure(pair, "bob", bob, alice)
    pair.connect()
    assert pair.is_up()
    assert any("[ ID SIG ]" in line for line in pair.alice.log)


def test_another_key_is_refused():
    pair = Pair()
    alice, bob = keys(pair)
    configure(pair, "alice", alice, bob)
    configure(pair, "bob", bob, bob)
    pair.connect()
    assert not pair.alice.outcome().ok
    assert any("is not by the raw public key that is configured" in line for line in pair.bob.log)
    assert not pair.bob.children


def test_key_of_another_connection_speaks_for_its_identity_only():
    """Bob knows Alice's key as that of somebody else, and a connection for Alice without any."""
    pair = Pair()
    alice, bob = keys(pair)
    configure(pair, "alice", alice, bob)
    pair.change("bob", local=replace(pair.bob_config.local, public_keys=(bob,)))
    pair.load()
    remote = replace(pair.bob_config.remote, identity=Identity.parse("@carol.test"), public_keys=(alice,))
    other = replace(pair.bob_config, name="carol", remote=remote)
    pair.bob.connections.configs = [pair.bob_config, other]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run(2)
    assert not pair.alice.outcome().ok and not pair.bob.children


def test_keys_that_were_told_speak_for_an_identity_and_are_ours():
    pair = Pair()
    alice, bob = keys(pair)
    told = {pair.alice_config.local.identity: (alice,), pair.bob_config.local.identity: (bob,)}
    for peer in (pair.alice, pair.bob):
        peer.ports = replace(peer.ports, public_keys=lambda identity: told.get(identity, ()))
    pair.connect()
    assert pair.is_up()
