"""The key exchanges of one negotiation, one after the other (RFC 7296, 1.2, 1.3; RFC 9370, 2.2)."""

from cygnet.base.secret import Secret
from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.payloads import KeyExchange
from cygnet.crypto.interfaces import KeyPair, Rng
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Transform
from cygnet.crypto.tables import TransformType


class KeyExchanges:
    """Runs the methods that were agreed on: the first with the negotiation, each other in a later exchange.

    As initiator :meth:`request` then :meth:`finish`, as responder :meth:`answer`. The initiator's first
    request may come before anything is agreed on. Each secret is handed out once, by :meth:`take_secrets`.
    """

    __slots__ = ("_left", "_pair", "_secrets", "methods", "requested")

    def __init__(self) -> None:
        self.methods: tuple[int, ...] = ()
        self.requested = 0
        self._pair: KeyPair | None = None
        self._left: tuple[int, ...] = ()
        self._secrets: tuple[Secret, ...] = ()

    @property
    def next(self) -> int:
        """The method whose turn it is, 0 when all are done."""
        return self._left[0] if self._left else 0

    @property
    def place(self) -> str:
        """``additional key exchange 1 of 2``: the one just done, for the log."""
        done = len(self.methods) - len(self._left)
        return f"additional key exchange {done - 1} of {len(self.methods) - 1}"

    def agree(self, methods: tuple[int, ...]) -> None:
        """What was agreed on: the method of each exchange, in their order."""
        self.methods = self._left = methods

    def request(self, rng: Rng, method: int = 0) -> KeyExchange:
        """Our value for ``method``, or for the one whose turn it is; asked again, the same value."""
        method = method or self.next
        if self._pair is None or self.requested != method:
            self.requested, self._pair = method, ke_method(method).generate(rng)
        return KeyExchange(method, self._pair.public)

    def begin_with(self, method: int, pair: KeyPair) -> None:
        """Have the first :meth:`request` carry the value of a key pair that there is already."""
        self.requested, self._pair = method, pair

    def finish(self, payload: KeyExchange | None) -> None:
        """The responder's value; raises where it is of another method, missing or no good."""
        data = self._expected(payload)
        if self._pair is None or self.requested != self.next:
            raise InvalidSyntaxError(f"{method_name(self.next)} chosen, our KE payload was of another method")
        self._secrets += (self._pair.shared(data),)
        self._pair = None
        self._left = self._left[1:]

    def answer(self, payload: KeyExchange | None, rng: Rng) -> KeyExchange:
        """Our value for the initiator's; raises like :meth:`finish`."""
        data, method = self._expected(payload), self.next
        public, secret = ke_method(method).answer(data, rng)
        self._secrets += (secret,)
        self._left = self._left[1:]
        return KeyExchange(method, public)

    def take_secrets(self) -> tuple[Secret, ...]:
        """The secrets of the exchanges done since the last call, in their order."""
        found, self._secrets = self._secrets, ()
        return found

    def _expected(self, payload: KeyExchange | None) -> bytes:
        """What a KE payload must be: of the method whose turn it is (RFC 9370, 2.2.2, 2.2.4)."""
        wanted = method_name(self.next)
        if payload is None:
            raise InvalidSyntaxError(f"KE payload missing, {wanted} is next")
        if payload.method != self.next:
            raise InvalidSyntaxError(f"KE payload of {method_name(payload.method)}, {wanted} is next")
        return payload.data


def method_name(number: int) -> str:
    """Its name in the log."""
    return str(Transform(TransformType.KE, number))
