"""The key exchanges of one negotiation, in order and each once."""

import random

import pytest

from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.payloads import KeyExchange
from cygnet.charon.sa.key_exchanges import KeyExchanges, method_name
from cygnet.crypto.errors import InvalidKeError

RNG = random.Random(1).randbytes
METHODS = (31, 36, 19)


def agreed(methods: tuple[int, ...] = METHODS) -> tuple[KeyExchanges, KeyExchanges]:
    both = KeyExchanges(), KeyExchanges()
    for one in both:
        one.agree(methods)
    return both


def test_each_method_has_its_turn_and_both_sides_the_same_secrets() -> None:
    initiator, responder = agreed()
    for method in METHODS:
        assert initiator.next == responder.next == method
        request = initiator.request(RNG)
        assert request.method == method
        initiator.finish(responder.answer(request, RNG))
    assert initiator.next == responder.next == 0
    secrets = initiator.take_secrets()
    assert len(secrets) == 3
    assert secrets == responder.take_secrets()
    assert initiator.take_secrets() == ()


def test_first_request_may_come_before_the_agreement() -> None:
    initiator, responder = KeyExchanges(), KeyExchanges()
    request = initiator.request(RNG, 31)
    assert initiator.request(RNG, 31) == request, "asked again, the same value"
    assert initiator.request(RNG, 19) != request
    request = initiator.request(RNG, 31)
    for one in (initiator, responder):
        one.agree((31, 36))
    initiator.finish(responder.answer(request, RNG))
    assert initiator.place == "additional key exchange 0 of 1"
    assert initiator.next == 36


def test_choice_of_another_method_than_that_of_our_value_is_refused() -> None:
    initiator, responder = KeyExchanges(), KeyExchanges()
    initiator.request(RNG, 31)
    for one in (initiator, responder):
        one.agree((19,))
    value = responder.answer(KeyExchanges().request(RNG, 19), RNG)
    with pytest.raises(InvalidSyntaxError, match="ECP_256 chosen, our KE payload was of another method"):
        initiator.finish(value)


@pytest.mark.parametrize("payload", [None, KeyExchange(36, bytes(1184)), KeyExchange(999, b"")])
def test_missing_payload_and_other_method_are_named(payload: KeyExchange | None) -> None:
    initiator, responder = agreed((31,))
    initiator.request(RNG)
    for take in (initiator.finish, lambda one: responder.answer(one, RNG)):
        with pytest.raises(InvalidSyntaxError, match="CURVE_25519 is next"):
            take(payload)
    assert initiator.next == responder.next == 31


def test_one_exchange_more_than_agreed_on_is_refused() -> None:
    initiator, responder = agreed((31,))
    initiator.finish(responder.answer(initiator.request(RNG), RNG))
    with pytest.raises(InvalidSyntaxError):
        responder.answer(KeyExchange(31, bytes(32)), RNG)


def test_value_that_is_no_good_changes_nothing() -> None:
    initiator, responder = agreed((36,))
    request = initiator.request(RNG)
    with pytest.raises(InvalidKeError):
        responder.answer(KeyExchange(36, bytes(7)), RNG)
    with pytest.raises(InvalidKeError):
        initiator.finish(KeyExchange(36, bytes(7)))
    initiator.finish(responder.answer(request, RNG))
    assert initiator.take_secrets() == responder.take_secrets()


def test_names_are_those_of_the_log() -> None:
    assert [method_name(number) for number in (0, 31, 36, 999)] == [
        "NONE", "CURVE_25519", "ML_KEM_768", "UNKNOWN_4_999",
    ]  # fmt: skip
