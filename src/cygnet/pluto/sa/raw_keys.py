"""Public keys without certificates: of a connection (``leftsigkey``), or told by ``whack --keyid``.

They do not travel (RFC 2409, 5.1 leaves open how a key gets there); both sides have been told.
"""

from cygnet.base.identities import Identity
from cygnet.crypto.signatures import PublicKey
from cygnet.keying.sa.authorisation import Facts
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.sa.association import Association


def keys_of(sa: Association, remote: Identity) -> tuple[PublicKey, ...]:
    """The keys that may speak for the peer, each once."""
    configs = sa.negotiation.candidates or (sa.peer_config,)
    found = [spki for config in configs for spki in _configured(config, remote)]
    return tuple(map(PublicKey.from_spki, dict.fromkeys((*found, *sa.ports.public_keys(remote)))))


def objection(sa: Association, proved: Facts, config: PeerConfig) -> str:
    """Why ``config`` does not take a peer that has proved itself without certificate; empty: it does."""
    key = proved.public_key
    if key is None or proved.chain:
        return ""
    trusted = (*_configured(config, proved.identity), *sa.ports.public_keys(proved.identity))
    return "" if key.spki in trusted else f"raw public key {key} of the peer is not one configured for it"


def _configured(config: PeerConfig, remote: Identity) -> tuple[bytes, ...]:
    identity = config.remote.identity
    return config.remote.public_keys if identity is not None and remote.match(identity) else ()
