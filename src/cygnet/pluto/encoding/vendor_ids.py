"""Vendor IDs: what a peer can do, or who it is (RFC 2408, 3.16; RFC 3706, 5.1; RFC 3947, 3.1; drafts).

Each is the MD5 of a text, or the beginning of it, perhaps with a version behind. They are matched from the
front: ``octets`` are what has to be there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Feature(StrEnum):
    """What a vendor ID says that its sender can do. NAT-T comes in versions, the best first."""

    NATT_RFC = "RFC 3947"
    NATT_03 = "draft-ietf-ipsec-nat-t-ike-03"
    NATT_02 = "draft-ietf-ipsec-nat-t-ike-02"
    XAUTH = "XAuth"
    DPD = "DPD"
    FRAGMENTATION = "fragmentation"
    UNITY = "Cisco Unity"
    STRONGSWAN = "strongSwan"


NATT_VERSIONS = (Feature.NATT_RFC, Feature.NATT_03, Feature.NATT_02)


@dataclass(frozen=True, slots=True)
class VendorIdRow:
    """``name`` is strongSwan's in its log. ``tail`` is sent behind ``octets``, such as a version."""

    name: str
    octets: bytes
    feature: Feature | None = None
    tail: bytes = b""

    @property
    def sent(self) -> bytes:
        """The whole vendor ID as we send it."""
        return self.octets + self.tail


def _row(name: str, octets: str, feature: Feature | None = None, tail: str = "") -> VendorIdRow:
    return VendorIdRow(name, bytes.fromhex(octets), feature, bytes.fromhex(tail))


XAUTH = _row("XAuth", "09002689dfd6b712", Feature.XAUTH)
DPD = _row("DPD", "afcad71368a1f1c96b8696fc7757", Feature.DPD, "0100")
UNITY = _row("Cisco Unity", "12f5f28c457168a9702d9fe274cc", Feature.UNITY, "0100")
FRAGMENTATION = _row(
    "FRAGMENTATION", "4048b7d56ebce88525e7de7f00d6c2d3", Feature.FRAGMENTATION, "80000000"
)  # capabilities: main and aggressive mode
NATT_RFC = _row("NAT-T (RFC 3947)", "4a131c81070358455c5728f20e95452f", Feature.NATT_RFC)
NATT_03 = _row("draft-ietf-ipsec-nat-t-ike-03", "7d9419a65310ca6f2c179d9215529d56", Feature.NATT_03)
NATT_02_N = _row("draft-ietf-ipsec-nat-t-ike-02\\n", "90cb80913ebb696e086381b5ec427b1f", Feature.NATT_02)
NATT_02 = _row("draft-ietf-ipsec-nat-t-ike-02", "cd60464335df21f87cfdb2fc68b6a448", Feature.NATT_02)

VENDOR_IDS: tuple[VendorIdRow, ...] = (
    XAUTH,
    DPD,
    UNITY,
    FRAGMENTATION,
    NATT_RFC,
    NATT_03,
    NATT_02_N,
    NATT_02,
    _row("strongSwan", "882fe56d6fd20dbc2251613b2ebe5beb", Feature.STRONGSWAN),
    _row("draft-ietf-ipsec-nat-t-ike-00", "4485152d18b6bbcd0be8a8469579ddcc"),
    _row("draft-ietf-ipsec-nat-t-ike-01", "16f6ca16e4a4066d83821a0f0aeaa862"),
    _row("draft-ietf-ipsec-nat-t-ike-04", "9909b64eed937c6573de52ace952fa6b"),
    _row("draft-ietf-ipsec-nat-t-ike-05", "80d0bb3def54565ee84645d4c85ce3ee"),
    _row("draft-ietf-ipsec-nat-t-ike-06", "4d1e0e136deafa34c4f3ea9f02ec7285"),
    _row("draft-ietf-ipsec-nat-t-ike-07", "439b59f8ba676c4c7737ae22eab8f582"),
    _row("draft-ietf-ipsec-nat-t-ike-08", "8f8d83826d246b6fc7a8a6a428c11de8"),
    _row("draft-ietf-ipsec-nat-t-ike", "4df37928e9fc4fd1b3262170d515c662"),
    _row("draft-stenberg-ipsec-nat-traversal-01", "27bab5dc01ea0760ea4e3190ac27c0d0"),
    _row("draft-stenberg-ipsec-nat-traversal-02", "6105c422e76847e43f9684801292aecd"),
    _row("GSS-API", "ad2c0dd0b9c32083ccba25b8861ec455"),
    _row("heartbeat notify", "4865617274426561745f4e6f74696679"),
)


def recognise(octets: bytes) -> VendorIdRow | None:
    """The row of a vendor ID that a peer sent."""
    return next((row for row in VENDOR_IDS if octets.startswith(row.octets)), None)


def best_natt(features: Iterable[Feature]) -> Feature | None:
    """The NAT-T version to speak with a peer that has these (RFC 3947, 3.1); ``None``: none."""
    known = frozenset(features)
    return next((version for version in NATT_VERSIONS if version in known), None)
