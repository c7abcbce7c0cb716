"""Telling a key log, where there is one, of keys as soon as they are derived."""

from cygnet.charon.sa.association import Association
from cygnet.crypto.key_log import IkeSecrets, tell_esp
from cygnet.keying.sa.child_keys import ChildKeys, ciphers_of
from cygnet.keying.sa.child_sa import ChildSa


def save_ike_keys(sa: Association) -> None:
    """What protects the IKE_SA's messages from now on."""
    log, keys = sa.ports.key_log, sa.keys
    if log is None or keys is None or sa.proposal is None:
        return
    encryption, integrity = ciphers_of(sa.proposal)
    if encryption is not None:
        i, r = keys.protection_i, keys.protection_r
        log.ikev2(IkeSecrets(sa.spi_i, sa.spi_r, encryption, integrity, i.sk_e, r.sk_e, i.sk_a, r.sk_a))


def save_child_keys(sa: Association, child: ChildSa, keys: ChildKeys, *, initiator: bool) -> None:
    """Of a CHILD_SA with its SPIs and path. ``initiator``: we sent the exchange's request."""
    log = sa.ports.key_log
    if log is None or child.agreed is None:
        return
    names = (child.outbound, child.inbound) if initiator else (child.inbound, child.outbound)
    ciphers = ciphers_of(child.agreed.proposal)
    tell_esp(log, names, ciphers, keys, child.icv_bits(ciphers[1]))
