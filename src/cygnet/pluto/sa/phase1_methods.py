"""Which authentication methods a connection may use in phase 1 (RFC 2409, 5; RFC 4754; drafts)."""

from dataclasses import replace

from cygnet.crypto.signatures import KeyKind, PrivateKey
from cygnet.keying.sa.credentials import OwnKey
from cygnet.pluto.config.records import PSK_METHODS, Method, PeerConfig
from cygnet.pluto.encoding.methods import METHODS, MethodRow, Side
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.errors import NoPrivateKeyError

_PLAIN = frozenset({Method.PSK, Method.PUBKEY})


def own_key(sa: Association, config: PeerConfig, authorities: frozenset[bytes]) -> OwnKey | None:
    """Our private key; ``None`` where only a secret, or nothing, is needed. Raises ``LocalError``."""
    if config.method in PSK_METHODS or (config.method is Method.HYBRID and config.is_user):
        return None
    identity = config.local.identity
    own = sa.ports.credentials.own_key(config.local, identity, authorities)
    told = sa.ports.public_keys(identity) if own is None and identity is not None else ()
    if told:
        own = sa.ports.credentials.own_key(replace(config.local, public_keys=told), identity, authorities)
    if own is None:
        raise NoPrivateKeyError(f"no private key found for '{config.local.identity or sa.local.address}'")
    return own


def methods_of(config: PeerConfig, initiator: bool, own: OwnKey | None) -> tuple[MethodRow, ...]:
    """The methods that may be offered or chosen; raises ``LocalError`` for a key that IKEv1 cannot use."""
    user = None
    if config.method not in _PLAIN:
        user = Side.INITIATOR if config.is_user is initiator else Side.RESPONDER
    rows = tuple(row for row in METHODS if row.xauth is user and _suits(row, config, own))
    if not rows:
        key = own.key.public_key if own else "none"
        raise NoPrivateKeyError(f"IKEv1 has no authentication by {config.method} with our key ({key})")
    return rows


def _suits(row: MethodRow, config: PeerConfig, own: OwnKey | None) -> bool:
    if row.psk is not (config.method in PSK_METHODS):
        return False
    if (row.proof_i != row.proof_r) is not (config.method is Method.HYBRID):
        return False
    return own is None or _is_of(own.key, row)


def _is_of(key: PrivateKey, row: MethodRow) -> bool:
    kinds = {"RSA": KeyKind.RSA, "ECDSA": KeyKind.ECDSA}
    return key.kind is kinds.get(row.key) and row.curve_bits in (0, key.bits)
