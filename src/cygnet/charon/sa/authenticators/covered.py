"""What AUTH payloads cover (RFC 7296, 2.15; RFC 9242, 3.3.2)."""

from cygnet.base.identities import Identity
from cygnet.charon.encoding.payloads import IdentificationInitiator
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.keymat import signed_octets


def covered(sa: Association, identity: Identity, *, initiator: bool) -> bytes:
    """What the side that was the initiator (or responder), who is ``identity``, proves its knowledge over."""
    handshake, keys = sa.negotiation, sa.established_keys
    if handshake.nonces is None:
        raise RuntimeError("no nonces")
    body = IdentificationInitiator(identity).build()
    if initiator:
        message, nonce, key = handshake.request, handshake.nonces.responder, keys.sk_pi
    else:
        message, nonce, key = handshake.response, handshake.nonces.initiator, keys.sk_pr
    return signed_octets(keys.prf, key, message, nonce, body) + handshake.int_auth.octets
