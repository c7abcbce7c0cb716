"""Pairs in which Alice proves herself by EAP, and Bob by a pre-shared key, a certificate or EAP too."""

from dataclasses import replace
from typing import Any

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.eap.packets import EapType
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthClass
from simulation.authority import Issuer
from simulation.pair import Pair

PASSWORD = UserSecret(Secret(b"a password"))


def eap_pair(*methods: EapType, user: str = "carol", pair: Pair | None = None) -> Pair:
    """Alice is ``user`` to Bob, who asks for her name and allows ``methods``; she allows the same."""
    pair = pair or Pair()
    change_eap(pair, "alice", auth=AuthClass.EAP, eap_methods=methods, eap_identity=Identity.parse(user))
    change_eap(pair, "bob", auth=AuthClass.EAP, eap_methods=methods, eap_identity=Identity.parse("%any"))
    for peer in (pair.alice, pair.bob):
        peer.store.passwords[user] = PASSWORD
    return pair


def change_eap(pair: Pair, whose: str, **changes: Any) -> None:
    """Other values in the round by EAP: Alice's own, or what Bob asks of her."""
    config = getattr(pair, f"{whose}_config")
    side = "local" if whose == "alice" else "remote"
    pair.change(whose, **{side: (replace(getattr(config, side)[0], **changes),)})


def certify(pair: Pair, *, mutual: bool = False) -> Issuer:
    """Both have certificates of one CA; Bob proves himself by his, or with ``mutual`` by EAP alone."""
    issuer = Issuer()
    for whose, peer in (("carol", pair.alice), ("bob.test", pair.bob)):
        peer.store.secrets.clear()
        peer.store.anchors.append(issuer.certificate)
        peer.store.keys.append(issuer.issue(whose))
    auth = AuthClass.EAP if mutual else AuthClass.PUBKEY
    pair.change("alice", remote=(replace(pair.alice_config.remote[0], auth=auth),))
    pair.change("bob", local=(replace(pair.bob_config.local[0], auth=auth),))
    return issuer
