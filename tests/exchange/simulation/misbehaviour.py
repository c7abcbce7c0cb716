"""Peers that break rules under the right keys: what they send is changed before it is protected."""

from collections.abc import Callable

import pytest

from cygnet.charon.encoding.payloads import KeyExchange, Notify
from cygnet.charon.sa.tasks.task import Draft
from cygnet.charon.sa.transport import Transport
from simulation.peer import Peer


def misbehave(
    monkeypatch: pytest.MonkeyPatch,
    peer: Peer,
    exchange: int,
    change: Callable[[Draft], None],
    *,
    response: bool = False,
) -> None:
    """Have ``change`` spoil each such message of one peer; it may even make it another exchange."""
    original = Transport.pack

    def pack(self: Transport, draft: Draft) -> tuple[bytes, ...]:
        if self.sa.ports is peer.ports and (draft.exchange, draft.response) == (exchange, response):
            change(draft)
        return original(self, draft)

    monkeypatch.setattr(Transport, "pack", pack)


def exchange_data(data: bytes, method: int | None = None) -> Callable[[Draft], None]:
    """Another KE payload."""

    def change(draft: Draft) -> None:
        draft.payloads = [
            KeyExchange(one.method if method is None else method, data)
            if isinstance(one, KeyExchange)
            else one
            for one in draft.payloads
        ]

    return change


def without_notify(kind: int) -> Callable[[Draft], None]:
    """No such notification."""

    def change(draft: Draft) -> None:
        draft.payloads = [
            one for one in draft.payloads if not (isinstance(one, Notify) and one.type == kind)
        ]

    return change


def notify_data(kind: int, data: bytes) -> Callable[[Draft], None]:
    """Other data in such a notification."""

    def change(draft: Draft) -> None:
        draft.payloads = [
            Notify(kind, data) if isinstance(one, Notify) and one.type == kind else one
            for one in draft.payloads
        ]

    return change
