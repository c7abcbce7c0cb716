"""Messages of one ISAKMP SA in and out: encryption with chained IVs, fragments, sending again.

RFC 2409, appendix B for the IVs: that of a message is the last block of the one before it in its exchange.
"""

from dataclasses import dataclass

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group
from cygnet.pluto.config.records import Fragmentation
from cygnet.pluto.encoding import fragments
from cygnet.pluto.encoding.errors import UndecipherableError
from cygnet.pluto.encoding.message import (
    Chain,
    Envelope,
    Message,
    Parsed,
    build_message,
    chain,
    describe,
    parse_message,
    read_payloads,
    with_hash,
)
from cygnet.pluto.encoding.payloads import HashPayload, Payload
from cygnet.pluto.encoding.vendor_ids import Feature
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.conversation import MAX_REPEATS, Conversation
from cygnet.pluto.sa.events import Retransmitted
from cygnet.pluto.sa.keymat import Nonces, Phase1Keys, Publics, first_iv, hash_1, hash_2, hash_3, phase2_iv
from cygnet.pluto.sa.timers import Retransmit
from cygnet.pluto.sa.transitions import Cover, Hash

LEAST_FRAGMENT = 256
"""Octets of an IP datagram below which no message is cut, whatever is configured."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that could be read. ``block`` is the IV of the next one, once this one is accepted."""

    message: Message
    block: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What to send in an exchange: payloads, whether encrypted, behind which HASH."""

    payloads: tuple[Payload, ...]
    cover: Cover = Cover.ENCRYPTED
    signs: Hash = Hash.NONE
    response: bool = False


class Transport:
    """What travels. It knows exchanges only as far as their IVs and the copies of what was sent."""

    def __init__(self, sa: Association) -> None:
        self._sa = sa
        self._reassembler = fragments.Reassembler(sa.ports.settings.max_packet)
        self._fragment_id = 0

    @property
    def is_gathering(self) -> bool:
        """Whether fragments of a message are missing."""
        return self._reassembler.pending > 0

    def collect(self, data: bytes) -> tuple[Parsed, bytes] | None:
        """The message with its octets, put together if it came in fragments; ``None``: some are missing."""
        parsed = parse_message(data)
        if not parsed.fragmented:
            return parsed, data
        whole = self._reassembler.add(parsed)
        if whole is None:
            self._sa.log(Group.ENC, "received fragment, waiting for complete IKE message")
            return None
        self._sa.log(Group.ENC, "received fragment, reassembled fragmented IKE message")
        return parse_message(whole), whole

    def open(self, parsed: Parsed, conversation: Conversation, keys: Phase1Keys | None) -> Opened:
        """The payloads; raises a ``PeerError``, :class:`UndecipherableError` if other keys were used."""
        if not parsed.encrypted:
            return Opened(read_payloads(parsed, parsed.body), conversation.block)
        if keys is None:
            raise UndecipherableError("message is encrypted, and there are no keys yet")
        if not parsed.body or len(parsed.body) % keys.block_size:
            raise UndecipherableError(f"{len(parsed.body)} octets cannot be decrypted")
        plaintext = keys.cipher.decrypt(self._iv(conversation, keys), parsed.body)
        try:
            message = read_payloads(parsed, plaintext)
        except PeerError as error:
            raise UndecipherableError(f"decryption gives no message: {error}") from None
        return Opened(message, parsed.body[-keys.block_size :])

    def send(self, conversation: Conversation, outgoing: Outgoing) -> None:
        """Build, send, and keep for copies."""
        sa, encrypted = self._sa, outgoing.cover is Cover.ENCRYPTED
        written = chain(outgoing.payloads)
        shown: tuple[Payload, ...] = outgoing.payloads
        if outgoing.signs is not Hash.NONE:
            value = sign(sa, conversation, outgoing.signs, written)
            written, shown = with_hash(written, value), (HashPayload(value), *shown)
        body = self._encrypt(conversation, written.octets) if encrypted else written.octets
        exchange, number = conversation.exchange, conversation.message_id
        envelope = Envelope(sa.cookie_i, sa.cookie_r, exchange, number, encrypted)
        data = build_message(envelope, written.first, body)
        sa.log(Group.ENC, f"generating {describe(exchange, number, outgoing.response, shown)}")
        sa.saw(exchange, incoming=False, response=outgoing.response)
        conversation.packets = self._packets(data, conversation)
        conversation.serial += 1
        conversation.sends, conversation.repeats = 1, 0
        self._send(conversation)

    def await_answer(self, conversation: Conversation) -> float:
        """Set the timer for sending again; the answer is after how many seconds."""
        delay = self._delay(conversation)
        self._sa.schedule(delay, Retransmit(conversation.message_id, conversation.serial))
        return delay

    def retransmit(self, conversation: Conversation) -> bool:
        """Send the last message again; False when it was sent often enough."""
        sa = self._sa
        if conversation.sends > sa.ports.settings.retransmit_tries:
            sa.log(Group.IKE, f"giving up after {conversation.sends - 1} retransmits")
            return False
        sa.log(Group.IKE, f"sending retransmit {conversation.sends} of message {conversation.message_id}")
        conversation.sends += 1
        self._send(conversation)
        wait_s = self.await_answer(conversation)
        sa.announce(Retransmitted(sa.unique_id, sa.name, conversation.state, wait_s))
        return True

    def repeat(self, conversation: Conversation) -> None:
        """Answer a copy of the peer's last message, as often as is reasonable."""
        if conversation.repeats >= MAX_REPEATS or not conversation.packets:
            return
        conversation.repeats += 1
        self._sa.log(Group.IKE, "received retransmit of a message, resending our answer")
        self._send(conversation)

    def _send(self, conversation: Conversation) -> None:
        for packet in conversation.packets:
            self._sa.send(packet)

    def _delay(self, conversation: Conversation) -> float:
        settings = self._sa.ports.settings
        delay = settings.retransmit_timeout_s * settings.retransmit_base ** (conversation.sends - 1)
        if settings.retransmit_limit_s:
            delay = min(delay, settings.retransmit_limit_s)
        return delay - delay * settings.retransmit_jitter_percent / 100 * self._sa.chance()

    def _iv(self, conversation: Conversation, keys: Phase1Keys) -> bytes:
        if conversation.block:
            return conversation.block
        if conversation.message_id:
            return phase2_iv(keys, self._sa.last_block, conversation.message_id)
        return first_iv(keys, publics(self._sa))

    def _encrypt(self, conversation: Conversation, octets: bytes) -> bytes:
        """Padded with zeros (RFC 2409, appendix B)."""
        keys = self._sa.established_keys
        padded = octets + bytes(-len(octets) % keys.block_size)
        sealed = keys.cipher.encrypt(self._iv(conversation, keys), padded)
        self.advance(conversation, sealed[-keys.block_size :])
        return sealed

    def advance(self, conversation: Conversation, block: bytes) -> None:
        """A message of the exchange is done: the next one's IV. Phase 1's last one seeds all others."""
        conversation.block = block
        if not conversation.message_id:
            self._sa.last_block = block

    def _packets(self, data: bytes, conversation: Conversation) -> tuple[bytes, ...]:
        """The message whole, or in fragments if it is long and the peer can put them together."""
        sa, settings = self._sa, self._sa.ports.settings
        allowed = sa.config is not None and _may_cut(sa, sa.config.fragmentation)
        with_marker = sa.local.port == settings.port_nat_t
        size = max(settings.fragment_size, LEAST_FRAGMENT)
        limit = fragments.message_limit(size, sa.local.family, with_marker)
        if not allowed or len(data) <= limit:
            return (data,)
        self._fragment_id = self._fragment_id % 0xFFFF + 1
        envelope = Envelope(sa.cookie_i, sa.cookie_r, conversation.exchange, 0)
        sa.log(Group.ENC, f"splitting IKE message ({len(data)} bytes) into fragments")
        return fragments.split(data, envelope, self._fragment_id, limit)


def _may_cut(sa: Association, wanted: Fragmentation) -> bool:
    """``force`` cuts the first message, too, when the peer has not yet said what it can do."""
    if wanted is Fragmentation.FORCE:
        return True
    return wanted is Fragmentation.YES and sa.has(Feature.FRAGMENTATION)


def publics(sa: Association) -> Publics:
    """g^xi and g^xr of phase 1."""
    shake = sa.negotiation
    own = shake.key_pair.public if shake.key_pair else b""
    return Publics(own, shake.peer_public) if sa.initiator else Publics(shake.peer_public, own)


def sign(sa: Association, conversation: Conversation, kind: Hash, covered: Chain) -> bytes:
    """The HASH payload before a chain (RFC 2409, 5.5)."""
    return expected_hash(sa, conversation, kind, covered.octets)


def expected_hash(sa: Association, conversation: Conversation, kind: Hash, rest: bytes) -> bytes:
    """HASH(1), (2) or (3) of a message whose other payloads are ``rest``."""
    keys, number = sa.established_keys, conversation.message_id
    if kind is Hash.HASH_1:
        return hash_1(keys, number, rest)
    nonces: Nonces = conversation.context.nonces
    if kind is Hash.HASH_2:
        return hash_2(keys, number, nonces.initiator, rest)
    return hash_3(keys, number, nonces)
