"""IPComp beside ESP or AH in one proposal number of quick mode (RFC 2407, 4.4.5; RFC 3173, 4.1).

The proposal for IPComp has a CPI where others have an SPI, of two octets or of four, the first two of which
mean nothing; a receiver understands both.
"""

from collections.abc import Iterable
from dataclasses import replace

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.kernel.port import Compression
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.pluto.encoding.errors import BadProposalSyntaxError
from cygnet.pluto.encoding.payloads import ProposalPayload, SecurityAssociation
from cygnet.pluto.encoding.phase2_offers import PROTO_IPCOMP, Phase2Terms
from cygnet.pluto.sa.association import Association

LOWEST, HIGHEST = 256, 61439
"""CPIs that are negotiated; below are well-known algorithms, above is private use (RFC 3173, 3.3)."""


def propose(sa: Association, child: ChildSa) -> tuple[tuple[int, ...], bytes] | None:
    """The transforms that the kernel has and our CPI, if the connection wants it and there is one."""
    transforms = tuple(sorted(sa.ports.kernel.features.compression))
    if not child.config.compress or not transforms or not allocate(sa, child):
        return None
    return transforms, child.cpi_in.to_bytes(2, "big")


def accepted(chosen: Phase2Terms, offered: SecurityAssociation | None) -> Compression | None:
    """What the responder chose: nothing, or one of the transforms that we offered, with its CPI."""
    if chosen.compression is None:
        return None
    proposals = offered.proposals if offered is not None else ()
    ours = {one.id for found in proposals if found.protocol == PROTO_IPCOMP for one in found.transforms}
    cpi, transforms = _cpi(chosen.compression), chosen.compression.transforms
    if len(transforms) != 1 or transforms[0].id not in ours:
        raise BadProposalSyntaxError("the peer chose an IPComp transform that we did not offer")
    if cpi is None:
        raise BadProposalSyntaxError(f"IPComp with '{chosen.compression.spi.hex()}', which is no CPI")
    return Compression(transforms[0].id, cpi)


def usable(sa: Association, terms: Iterable[Phase2Terms]) -> list[tuple[Phase2Terms, Compression]]:
    """The terms with a transform that the kernel has, and the first of them with the peer's CPI."""
    known = sa.ports.kernel.features.compression
    found = []
    for one in terms:
        source = one.compression
        if source is None or (cpi := _cpi(source)) is None:
            continue
        kind = next((each.id for each in source.transforms if each.id in known), None)
        if kind is not None:
            found.append((one, Compression(kind, cpi)))
    return found


def answer(child: ChildSa, chosen: Phase2Terms, compression: Compression | None) -> ProposalPayload | None:
    """The proposal that chooses it, with our CPI in as many octets as the peer's."""
    source = chosen.compression
    if compression is None or source is None:
        return None
    transform = next(one for one in source.transforms if one.id == compression.transform)
    return replace(source, transforms=(transform,), spi=child.cpi_in.to_bytes(len(source.spi), "big"))


def allocate(sa: Association, child: ChildSa) -> bool:
    """Have a CPI of our own; without one there is no compression."""
    try:
        child.cpi_in = sa.ports.kernel.allocate_cpi(sa.remote.address, sa.local.address)
    except LocalError as error:
        sa.log(Group.IKE, f"unable to allocate a CPI from kernel, IPComp disabled: {error}")
        return False
    return True


def _cpi(proposal: ProposalPayload) -> int | None:
    cpi = int.from_bytes(proposal.spi[-2:], "big")
    return cpi if len(proposal.spi) in (2, 4) and LOWEST <= cpi <= HIGHEST else None
