"""The security association database (RFC 4301, 4.4.2): receiving SAs by SPI, sending ones by reqid."""

from collections.abc import Iterable

from cygnet.base.addresses import Address
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.records import SaParameters

SaKey = tuple[Address, Address, int]


class AssociationDatabase:
    """All SAs. ``by_spi`` is for the path of every packet, which only looks at it. What receiving SAs
    ``without_selectors`` admit, policies say."""

    def __init__(self) -> None:
        self.by_spi: dict[int, InboundSa] = {}
        self.without_selectors: set[InboundSa] = set()
        self._outbound: dict[SaKey, OutboundSa] = {}
        self._by_reqid: dict[int, list[OutboundSa]] = {}

    def add(self, sa: InboundSa | OutboundSa) -> None:
        """Enter an SA: a receiving one under its SPI, which nobody else has, a sending one as the first
        choice of its reqid."""
        if isinstance(sa, InboundSa):
            self.by_spi[sa.parameters.spi] = sa
            if not sa.selectors:
                self.without_selectors.add(sa)
            return
        self._outbound[_key(sa.parameters)] = sa
        self._by_reqid.setdefault(sa.parameters.reqid, []).insert(0, sa)

    def find(self, key: SaKey) -> InboundSa | OutboundSa | None:
        """The SA between these addresses with this SPI."""
        sa = self.by_spi.get(key[2])
        if sa is not None and _key(sa.parameters) == key:
            return sa
        return self._outbound.get(key)

    def outbound(self) -> Iterable[OutboundSa]:
        """All sending SAs."""
        return self._outbound.values()

    def of_reqid(self, reqid: int) -> Iterable[OutboundSa]:
        """The sending SAs of a reqid, the newest first."""
        return self._by_reqid.get(reqid, ())

    def remove(self, sa: InboundSa | OutboundSa) -> None:
        """Take an SA out; one that is out already is no error."""
        parameters = sa.parameters
        if isinstance(sa, InboundSa):
            if self.by_spi.get(parameters.spi) is sa:
                del self.by_spi[parameters.spi]
            self.without_selectors.discard(sa)
            return
        if self._outbound.get(_key(parameters)) is sa:
            del self._outbound[_key(parameters)]
        siblings = self._by_reqid.get(parameters.reqid, [])
        if sa in siblings:
            siblings.remove(sa)
        if not siblings:
            self._by_reqid.pop(parameters.reqid, None)

    def move(self, sa: InboundSa | OutboundSa, parameters: SaParameters) -> None:
        """Give an SA other outer addresses or ports; everything else of ``parameters`` is as before."""
        if isinstance(sa, OutboundSa):
            del self._outbound[_key(sa.parameters)]
            self._outbound[_key(parameters)] = sa
        sa.move(parameters)


def _key(parameters: SaParameters) -> SaKey:
    return (parameters.source, parameters.destination, parameters.spi)
