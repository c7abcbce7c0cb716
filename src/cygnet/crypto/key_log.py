"""What a key log is told: keys of SAs, for somebody who wants to read captures. Nothing is, by default."""

from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.crypto.transforms import Transform


@record
class IkeSecrets:
    """What protects the messages of an IKE_SA (RFC 7296, 2.14): SK_e with its salt, SK_a; both directions."""

    spi_i: bytes
    spi_r: bytes
    encryption: Transform
    integrity: Transform | None
    sk_ei: Secret
    sk_er: Secret
    sk_ai: Secret
    sk_ar: Secret


@record
class EspSecrets:
    """One direction of an ESP SA: what names it on the wire, and its keys, salt included (RFC 7296, 2.17).

    ``icv_bits`` is what the integrity algorithm is cut to where that is not its own length.
    """

    source: Address
    destination: Address
    spi: int
    encryption: Transform
    integrity: Transform | None
    encryption_key: Secret
    integrity_key: Secret
    icv_bits: int = 0


class SaName(Protocol):
    """What names one direction of an IPsec SA (``kernel.port.SaId``)."""

    @property
    def source(self) -> Address:
        """Of its outer packets."""

    @property
    def destination(self) -> Address:
        """Of its outer packets."""

    @property
    def spi(self) -> int:
        """Its receiver's."""


class PairKeys(Protocol):
    """Keys of both directions, for what the exchange's initiator and responder send."""

    @property
    def encryption_i(self) -> Secret:
        """Of the initiator, salt included."""

    @property
    def integrity_i(self) -> Secret:
        """Of the initiator."""

    @property
    def encryption_r(self) -> Secret:
        """Of the responder, salt included."""

    @property
    def integrity_r(self) -> Secret:
        """Of the responder."""


class KeyLog(Protocol):
    """Takes keys as soon as they are derived. May be called from any thread; never raises."""

    def ikev2(self, secrets: IkeSecrets) -> None:
        """Of an IKE_SA; with IKE_INTERMEDIATE once after each of its key exchanges (RFC 9370, 2.2.2)."""

    def ikev1(self, cookie_i: bytes, key: Secret) -> None:
        """Of an ISAKMP SA: the initiator's cookie, the cipher's key (RFC 2409, appendix B)."""

    def esp(self, secrets: EspSecrets) -> None:
        """Of one direction of an ESP SA."""

    def esp_moved(self, old: "SaName", new: "SaName") -> None:
        """One direction of an ESP SA goes between other hosts; the SPI and the keys stay."""


def tell_moves(log: KeyLog | None, old: tuple[SaName, ...], new: tuple[SaName, ...]) -> None:
    """Of the directions of an SA that go between other hosts now."""
    for before, after in zip(old, new, strict=True):
        if log is not None and (before.source, before.destination) != (after.source, after.destination):
            log.esp_moved(before, after)


def tell_esp(
    log: KeyLog,
    names: tuple[SaName, SaName],
    ciphers: tuple[Transform | None, Transform | None],
    keys: PairKeys,
    icv_bits: int = 0,
) -> None:
    """Both directions of an SA, first that in which the exchange's initiator sends. AH has none."""
    encryption, integrity = ciphers
    if encryption is None:
        return
    pairs = (keys.encryption_i, keys.integrity_i), (keys.encryption_r, keys.integrity_r)
    for name, pair in zip(names, pairs, strict=True):
        log.esp(
            EspSecrets(name.source, name.destination, name.spi, encryption, integrity, *pair, icv_bits)
        )
