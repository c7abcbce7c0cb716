"""Reading a message of an exchange: keys, the row that takes it, the HASH before everything else."""

from cygnet.pluto.encoding.errors import InvalidHashInformationError, UndecipherableError
from cygnet.pluto.encoding.exchanges import exchange_name
from cygnet.pluto.encoding.message import Message, Parsed
from cygnet.pluto.encoding.payloads import HashPayload, Identification
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.conversation import Conversation
from cygnet.pluto.sa.keymat import Phase1Keys, equal
from cygnet.pluto.sa.phase1 import keys_with
from cygnet.pluto.sa.tables import TABLES
from cygnet.pluto.sa.transitions import Hash, Transition, rows_for
from cygnet.pluto.sa.transport import Opened, Transport, expected_hash


def read(
    sa: Association, transport: Transport, parsed: Parsed, conversation: Conversation
) -> tuple[Phase1Keys | None, Opened]:
    """The message, and the keys that opened it, which a responder with pre-shared keys has to find.

    Raises ``PeerError``, among them :class:`UndecipherableError`.
    """
    if not parsed.encrypted:
        return None, transport.open(parsed, conversation, None)
    shake = sa.handshake
    if sa.keys is not None or shake is None or not shake.secrets:
        return sa.keys, transport.open(parsed, conversation, sa.keys)
    for secret in shake.secrets:
        keys = keys_with(sa, secret)
        try:
            opened = transport.open(parsed, conversation, keys)
        except UndecipherableError:
            continue
        if opened.message.first(Identification) and opened.message.first(HashPayload):
            return keys, opened
    raise UndecipherableError("none of our pre-shared keys for this peer opens the message")


def row_for(
    sa: Association, conversation: Conversation, encrypted: bool, message: Message
) -> Transition | None:
    """The row of the tables that takes a message in the state of its exchange."""
    proof = sa.method.proof(not sa.initiator) if sa.method else None
    rows = rows_for(TABLES, (conversation.state,), conversation.exchange)
    return next((row for row in rows if row.covered(encrypted) and row.fits(message, proof)), None)


def check_hash(sa: Association, conversation: Conversation, row: Transition, message: Message) -> None:
    """HASH comes first and covers the rest; raises :class:`InvalidHashInformationError` if it does not."""
    if row.checks is Hash.NONE:
        return
    payload = message.payloads[0]
    expected = expected_hash(sa, conversation, row.checks, message.rest)
    if not isinstance(payload, HashPayload) or not equal(payload.data, expected):
        raise InvalidHashInformationError(f"{row.checks} of {exchange_name(message.exchange)} message")
