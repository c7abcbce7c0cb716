"""Peers whose public key is configured itself, without a certificate (RFC 7670; ``rightsigkey``)."""

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.sa.association import Association
from cygnet.crypto.signatures import PublicKey, SignatureScheme
from cygnet.keying.config.records import AuthClass, AuthConfig
from cygnet.keying.sa.authorisation import Facts

Signed = tuple[SignatureScheme, bytes, bytes]
"""The scheme, what was signed, and the signature."""


def verify(sa: Association, constraints: AuthConfig, signed: Signed, remote: Identity) -> Facts | None:
    """What a signature by one of the configured keys proves.

    ``None``: they are not configured, or it is none of theirs and may belong to a configured certificate.
    Raises :class:`AuthenticationFailedError` otherwise.
    """
    trusted = constraints.public_keys
    key = _find(sa, trusted, signed, remote)
    if key is not None:
        return Facts(remote, AuthClass.PUBKEY, signed[0].name, public_key=key)
    if trusted and not constraints.certificates:
        raise AuthenticationFailedError(_problem(sa, trusted, signed[0], remote))
    return None


def sent(sa: Association) -> str:
    """The first raw key of the peer, for the operator."""
    try:
        return f"raw public key {_name(PublicKey.from_spki(sa.negotiation.raw_keys[0]))}"
    except PeerError as error:
        return f"as raw public key an {error}"


def _find(sa: Association, trusted: tuple[bytes, ...], signed: Signed, remote: Identity) -> PublicKey | None:
    scheme, octets, signature = signed
    for key in map(PublicKey.from_spki, trusted):
        if key.kind is not scheme.kind:
            continue
        try:
            key.verify(scheme, octets, signature)
        except PeerError as error:
            sa.log(Group.IKE, f"raw public key {_name(key)}: {error}")
            continue
        sa.log(Group.CFG, f"  using trusted raw public key {_name(key)} for '{remote}'")
        sa.log(Group.IKE, f"authentication of '{remote}' with {scheme} successful")
        return key
    return None


def _problem(sa: Association, trusted: tuple[bytes, ...], scheme: SignatureScheme, remote: Identity) -> str:
    """Why none of the ``trusted`` keys would do, for the operator."""
    keys = [PublicKey.from_spki(one) for one in trusted]
    configured = " and ".join(map(_name, keys))
    if sa.negotiation.raw_keys and not _sends_one_of(sa, trusted):
        why = f"it sent {sent(sa)}, configured is {configured}"
    elif not any(key.kind is scheme.kind for key in keys):
        why = f"it used {scheme}, configured is {configured}"
    else:
        why = f"its signature does not verify with {configured}"
    return f"no trusted {scheme.kind} public key found for '{remote}': {why}"


def _sends_one_of(sa: Association, trusted: tuple[bytes, ...]) -> bool:
    """By the octets: most of an SPKI is fixed, so that keys are recognised by comparison (RFC 7670, 3)."""
    return any(one in trusted for one in sa.negotiation.raw_keys)


def _name(key: PublicKey) -> str:
    return f"{key.key_id.hex(':')} ({key})"
