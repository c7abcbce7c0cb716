"""IKE_INTERMEDIATE: the additional key exchanges of a new IKE_SA (RFC 9242; RFC 9370, 2.2.2)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.exchanges import Exchange, exchange_name
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.payloads import KeyExchange
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.key_exchanges import KeyExchanges, method_name
from cygnet.charon.sa.keymat import derive_ike_keys
from cygnet.charon.sa.saved_keys import save_ike_keys
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class IkeIntermediate(Task):
    """One exchange for each additional key exchange, each followed by new keys.

    Both sides know how many there have to be: one more, or IKE_AUTH before the last, ends the IKE_SA.
    """

    name = "IKE_INTERMEDIATE"
    opens: ClassVar[Exchange | None] = Exchange.IKE_INTERMEDIATE
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_AUTH})
    vital = True
    _answer: KeyExchange | None = None

    @property
    def _exchanges(self) -> KeyExchanges:
        return self.sa.negotiation.exchanges

    # As initiator

    def next_exchange(self) -> Exchange | None:
        return self.opens if self._exchanges.next else None

    def build_request(self, draft: Draft) -> Step:
        if draft.exchange != Exchange.IKE_INTERMEDIATE:
            return DONE
        draft.add(self._exchanges.request(self.sa.ports.rng))
        return MORE

    def process_response(self, message: Message) -> Step:
        for notify in message.notifies:
            if notify.is_error:
                raise RefusedError(f"received {notifies.name(notify.type)} notify error")
        self._exchanges.finish(message.first(KeyExchange))
        self._update_keys()
        return MORE

    # As responder

    def process_request(self, message: Message) -> Step:
        exchanges = self._exchanges
        if message.exchange != Exchange.IKE_INTERMEDIATE:
            if exchanges.next:
                name = exchange_name(message.exchange)
                raise InvalidSyntaxError(f"{name} before key exchange {method_name(exchanges.next)}")
            return DONE
        if not exchanges.next:
            raise InvalidSyntaxError("IKE_INTERMEDIATE although no further key exchange was agreed on")
        self._answer = exchanges.answer(message.first(KeyExchange), self.sa.ports.rng)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        if self._answer is None:
            raise NotPossibleError("no key exchange to answer")
        draft.add(self._answer)
        return MORE

    def sent(self) -> None:
        """The response went out under the old keys, the next request comes under the new ones."""
        if self._answer is not None:
            self._answer = None
            self._update_keys()

    # Both

    def _update_keys(self) -> None:
        sa = self.sa
        handshake = sa.negotiation
        if sa.proposal is None or handshake.nonces is None:
            raise NotPossibleError("nothing was agreed on")
        spis, secrets = sa.spi_i + sa.spi_r, handshake.exchanges.take_secrets()
        sa.keys = derive_ike_keys(
            sa.proposal, secrets, handshake.nonces, spis, sa.ports.rng, sa.established_keys
        )
        save_ike_keys(sa)
        sa.log(Group.IKE, f"{handshake.exchanges.place} done, keys updated")
