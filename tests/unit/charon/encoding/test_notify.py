"""cygnet.charon.encoding.notify"""

import pytest

from cygnet.charon.encoding.notify import FIRST_STATUS, NotifyType, is_error, name, short_name


@pytest.mark.parametrize(("number", "rfc", "short"), [
    (1, "UNSUPPORTED_CRITICAL_PAYLOAD", "CRIT"),
    (14, "NO_PROPOSAL_CHOSEN", "NO_PROP"),
    (17, "INVALID_KE_PAYLOAD", "INVAL_KE"),
    (24, "AUTHENTICATION_FAILED", "AUTH_FAILED"),
    (38, "TS_UNACCEPTABLE", "TS_UNACCEPT"),
    (16384, "INITIAL_CONTACT", "INIT_CONTACT"),
    (16388, "NAT_DETECTION_SOURCE_IP", "NATD_S_IP"),
    (16389, "NAT_DETECTION_DESTINATION_IP", "NATD_D_IP"),
    (16390, "COOKIE", "COOKIE"),
    (16393, "REKEY_SA", "REKEY_SA"),
    (16394, "ESP_TFC_PADDING_NOT_SUPPORTED", "ESP_TFC_PAD_N"),
    (16404, "MULTIPLE_AUTH_SUPPORTED", "MULT_AUTH"),
    (16417, "EAP_ONLY_AUTHENTICATION", "EAP_ONLY"),
    (16420, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED", "MSG_ID_SYN_SUP"),
    (16430, "IKEV2_FRAGMENTATION_SUPPORTED", "FRAG_SUP"),
    (16431, "SIGNATURE_HASH_ALGORITHMS", "HASH_ALG"),
])  # fmt: skip
def test_known_type_has_its_names(number, rfc, short):
    assert (name(number), short_name(number)) == (rfc, short)
    assert NotifyType[rfc] == number


def test_unknown_type_is_shown_as_its_number():
    assert name(50000) == short_name(50000) == "(50000)"


def test_rows_are_unique_and_complete():
    rows = list(NotifyType)
    assert len({row.short for row in rows}) == len(rows) == len(NotifyType.__members__)
    assert all(row.short and row.reference for row in rows)


def test_errors_end_where_status_types_begin():
    assert is_error(FIRST_STATUS - 1)
    assert not is_error(FIRST_STATUS)
