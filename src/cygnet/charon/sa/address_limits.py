"""Traffic selectors within the address blocks of the peer's certificate (RFC 3779; strongSwan: addrblock)."""

from functools import lru_cache

from cygnet.base.groups import Group
from cygnet.cert import address_blocks
from cygnet.cert.address_blocks import AddressBlocks
from cygnet.cert.certificates import Certificate
from cygnet.charon.encoding.errors import TsUnacceptableError
from cygnet.charon.sa.association import Association
from cygnet.keying.sa.matching import Selectors, text


def permitted(sa: Association, remote: Selectors) -> Selectors:
    """What of the peer's selectors its certificates may speak for, each by itself: those of all rounds.

    A peer without a certificate, or whose certificates have no address blocks, is limited by its connection
    alone. Raises :class:`TsUnacceptableError` if nothing is left.
    """
    for chain in sa.peer_chains:
        blocks = _blocks(chain)
        if blocks is not None:
            remote = _within(sa, blocks, remote)
    return remote


def _within(sa: Association, blocks: AddressBlocks, remote: Selectors) -> Selectors:
    sa.log(Group.CFG, "checking certificate-based traffic selector constraints [RFC 3779]")
    found = address_blocks.allowed_selectors(blocks, remote)
    if not found:
        where = f"outside the address blocks of the peer's certificate: {blocks}"
        raise TsUnacceptableError(f"traffic selectors {text(remote)} are {where}")
    if found != remote:
        sa.log(Group.CFG, f"  {text(remote)} narrowed to {text(found)} by address blocks {blocks}")
    return found


@lru_cache(maxsize=4096)
def _blocks(chain: tuple[bytes, ...]) -> AddressBlocks | None:
    """``chain`` is in DER, the peer's own certificate first."""
    return address_blocks.effective([Certificate.parse(one).extensions.addresses for one in chain])
