"""Tunnel and transport mode in quick mode, and the addresses before NATs (RFC 2407, 4.5; RFC 3947, 5)."""

from cygnet.base.addresses import Address
from cygnet.kernel.port import Mode
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.payloads import NatOriginalAddress, NatOriginalAddressDraft, Payload
from cygnet.pluto.encoding.vendor_ids import Feature
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.errors import NotPossibleError
from cygnet.pluto.sa.quick_context import QuickMode

_TUNNEL, _TRANSPORT = 1, 2
_UDP = {_TUNNEL: 3, _TRANSPORT: 4}
_UDP_DRAFT = {_TUNNEL: 61443, _TRANSPORT: 61444}
_MODES = {
    1: Mode.TUNNEL, 3: Mode.TUNNEL, 61443: Mode.TUNNEL,
    2: Mode.TRANSPORT, 4: Mode.TRANSPORT, 61444: Mode.TRANSPORT,
}  # fmt: skip


def wire(sa: Association, mode: Mode) -> int:
    """The value of attribute 4 (RFC 3947, 5.1); raises ``LocalError`` for a mode that IKEv1 lacks."""
    plain = {Mode.TUNNEL: _TUNNEL, Mode.TRANSPORT: _TRANSPORT}.get(mode)
    if plain is None:
        raise NotPossibleError(f"IKEv1 has no {mode.value} mode")
    if not sa.nat.any:
        return plain
    return _UDP[plain] if sa.nat.version is Feature.NATT_RFC else _UDP_DRAFT[plain]


def mode_of(value: int) -> Mode | None:
    """The mode of a value of attribute 4; whether ESP is inside UDP is known from phase 1."""
    return _MODES.get(value)


def originals(sa: Association, quick: QuickMode) -> tuple[Payload, ...]:
    """Both addresses as we see them, initiator's first, for transport mode through NATs (RFC 3947, 5.2)."""
    if not sa.nat.any or sa.nat.version is None or quick.config.mode is not Mode.TRANSPORT:
        return ()
    kind = NatOriginalAddress if sa.nat.version is Feature.NATT_RFC else NatOriginalAddressDraft
    pair = (sa.local.address, sa.remote.address)
    return tuple(kind(one) for one in (pair if quick.initiator else pair[::-1]))


def read_originals(sa: Association, quick: QuickMode, message: Message) -> None:
    """What the peer writes into its packets, source first, if that is not what arrives here."""
    told = told_originals(message)
    if quick.config.mode is not Mode.TRANSPORT or len(told) != 2 or not sa.nat.any:
        return
    source, destination = told[::-1] if quick.initiator else told
    seen: tuple[Address, Address] = (sa.remote.address, sa.local.address)
    if (source, destination) != seen and {source.version, destination.version} == {seen[0].version}:
        quick.original = (source, destination)


def told_originals(message: Message) -> tuple[Address, ...]:
    """What the peer says that it sees, initiator's address first."""
    return tuple(one.address for one in message.all(NatOriginalAddress))
