"""cygnet.charon.encoding.exchanges"""

import pytest

from cygnet.base.identities import Identity, IdType
from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.exchanges import EXCHANGES, Exchange, check, exchange_name, row_of
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Authentication,
    Configuration,
    Delete,
    Eap,
    IdentificationInitiator,
    IdentificationResponder,
    KeyExchange,
    Nonce,
    Notify,
    SecurityAssociation,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
    Unknown,
    VendorId,
)

SA, KE, NO, V = SecurityAssociation(()), KeyExchange(31, b""), Nonce(bytes(16)), VendorId(b"")
IDI, IDR = (kind(Identity(IdType.FQDN, b"x")) for kind in (IdentificationInitiator, IdentificationResponder))
AUTH, EAP, CP, D = Authentication(2, b""), Eap(b"\3\0\0\4"), Configuration(1), Delete(1)
TSI, TSR = TrafficSelectorsInitiator(()), TrafficSelectorsResponder(())
COOKIE, NATD = Notify(NotifyType.COOKIE), Notify(NotifyType.NAT_DETECTION_SOURCE_IP)
NO_PROP = Notify(NotifyType.NO_PROPOSAL_CHOSEN)
INIT, AUTHX, CHILD, INFO, INTER, FOLLOW = (
    Exchange.IKE_SA_INIT, Exchange.IKE_AUTH, Exchange.CREATE_CHILD_SA, Exchange.INFORMATIONAL,
    Exchange.IKE_INTERMEDIATE, Exchange.IKE_FOLLOWUP_KE,
)  # fmt: skip


def message(exchange, response, *payloads):
    return Message(exchange, bytes(8), bytes(8), 0, True, response, payloads)


@pytest.mark.parametrize(("exchange", "response", "payloads"), [
    (INIT, False, (SA, KE, NO)),
    (INIT, False, (COOKIE, SA, KE, NO, NATD, NATD, V, V, Unknown(99, False, b""))),
    (INIT, False, (NO, KE, SA)),
    (INIT, True, (SA, KE, NO, NATD)),
    (INIT, True, (COOKIE,)),
    (INIT, True, (NO_PROP,)),
    (INIT, True, (Notify(NotifyType.REDIRECT), NO)),
    (AUTHX, False, (IDI, AUTH, SA, TSI, TSR)),
    (AUTHX, False, (IDI, SA, TSI, TSR)),
    (AUTHX, False, (IDI, AUTH)),
    (AUTHX, False, (EAP,)),
    (AUTHX, False, (AUTH,)),
    (AUTHX, True, (IDR, AUTH, SA, TSI, TSR)),
    (AUTHX, True, (IDR, AUTH, NO_PROP)),
    (AUTHX, True, (EAP,)),
    (AUTHX, True, (NO_PROP,)),
    (CHILD, False, (SA, NO, KE, TSI, TSR)),
    (CHILD, False, (SA, NO, KE)),
    (CHILD, True, (SA, NO, TSI, TSR)),
    (CHILD, True, (NO_PROP,)),
    (INFO, False, ()),
    (INFO, True, ()),
    (INFO, False, (D, D, NATD, CP)),
    (INTER, False, (KE,)),
    (INTER, True, ()),
    (FOLLOW, False, (KE, Notify(NotifyType.ADDITIONAL_KEY_EXCHANGE, b"link"))),
    (FOLLOW, True, (KE,)),
    (FOLLOW, True, (Notify(NotifyType.STATE_NOT_FOUND),)),
])  # fmt: skip
def test_messages_of_the_rfc_pass(exchange, response, payloads):
    check(message(exchange, response, *payloads), protected=exchange is not INIT)


@pytest.mark.parametrize(("exchange", "response", "payloads"), [
    (INIT, False, ()),
    (INIT, False, (SA, KE)),
    (INIT, False, (SA, NO)),
    (INIT, False, (KE, NO)),
    (INIT, False, (COOKIE,)),
    (INIT, False, (NO_PROP,)),
    (INIT, True, ()),
    (INIT, True, (NATD,)),
    (AUTHX, False, (IDI, AUTH, SA, TSI)),
    (CHILD, False, (SA, NO, TSR)),
    (CHILD, False, (NO_PROP,)),
    (CHILD, True, (NATD,)),
    (FOLLOW, False, ()),
    (FOLLOW, True, (NATD,)),
])  # fmt: skip
def test_missing_payloads_are_refused(exchange, response, payloads):
    with pytest.raises(InvalidSyntaxError, match="missing"):
        check(message(exchange, response, *payloads), protected=exchange is not INIT)


@pytest.mark.parametrize("row", EXCHANGES, ids=lambda row: f"{row.exchange.name}-{row.response}")
def test_one_too_many_of_a_kind_is_refused(row):
    samples = {one.payload_type: one for one in (SA, KE, NO, V, IDI, IDR, AUTH, EAP, CP, D, TSI, TSR, NATD)}
    for kind, most in row.most.items():
        if kind in samples:
            with pytest.raises(InvalidSyntaxError, match=f"{most + 1} {kind.name} payloads"):
                check(message(row.exchange, row.response, *[samples[kind]] * (most + 1)), row.protected)


@pytest.mark.parametrize("row", EXCHANGES, ids=lambda row: f"{row.exchange.name}-{row.response}")
def test_wrong_protection_is_refused(row):
    with pytest.raises(InvalidSyntaxError, match="encrypted"):
        check(message(row.exchange, row.response), not row.protected)


@pytest.mark.parametrize("exchange", [0, 33, 39, 240, Exchange.IKE_SESSION_RESUME])
def test_exchange_without_a_row_is_refused(exchange):
    assert row_of(exchange, False) is None
    with pytest.raises(InvalidSyntaxError, match="not implemented"):
        check(message(exchange, False), True)


def test_there_is_one_row_for_each_direction():
    keys = [(row.exchange, row.response) for row in EXCHANGES]
    assert len(set(keys)) == len(keys)
    assert {exchange for exchange, _ in keys} == {exchange for exchange, response in keys if response}


def test_names_are_the_rfcs():
    assert [exchange_name(number) for number in (34, 43, 99)] == ["IKE_SA_INIT", "IKE_INTERMEDIATE", "(99)"]
