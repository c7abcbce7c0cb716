"""Notify message types (RFC 2408, 3.14.1; RFC 2407, 4.6.3; RFC 3706, 5.3; vendors').

The short names stand in a message's log line, the long ones in sentences. A number that is not here is kept
as the number that it is.
"""

from enum import IntEnum

FIRST_STATUS = 16384


class NotifyType(IntEnum):
    """One row per type: number, short name, where it is defined."""

    short: str
    reference: str

    def __new__(cls, number: int, short: str, reference: str) -> "NotifyType":
        row = int.__new__(cls, number)
        row._value_ = number
        row.short = short
        row.reference = reference
        return row

    INVALID_PAYLOAD_TYPE = 1, "INVAL_PAYLOAD", "RFC 2408"
    DOI_NOT_SUPPORTED = 2, "DOI_NOT_SUP", "RFC 2408"
    SITUATION_NOT_SUPPORTED = 3, "SIT_NOT_SUP", "RFC 2408"
    INVALID_COOKIE = 4, "INVAL_COOKIE", "RFC 2408"
    INVALID_MAJOR_VERSION = 5, "INVAL_MAJOR", "RFC 2408"
    INVALID_MINOR_VERSION = 6, "INVAL_MINOR", "RFC 2408"
    INVALID_EXCHANGE_TYPE = 7, "INVAL_EXCH", "RFC 2408"
    INVALID_FLAGS = 8, "INVAL_FLAGS", "RFC 2408"
    INVALID_MESSAGE_ID = 9, "INVAL_MID", "RFC 2408"
    INVALID_PROTOCOL_ID = 10, "INVAL_PROTO", "RFC 2408"
    INVALID_SPI = 11, "INVAL_SPI", "RFC 2408"
    INVALID_TRANSFORM_ID = 12, "INVAL_TRANSFORM", "RFC 2408"
    ATTRIBUTES_NOT_SUPPORTED = 13, "ATTR_NOT_SUP", "RFC 2408"
    NO_PROPOSAL_CHOSEN = 14, "NO_PROP", "RFC 2408"
    BAD_PROPOSAL_SYNTAX = 15, "BAD_PROP", "RFC 2408"
    PAYLOAD_MALFORMED = 16, "PAYLOAD_MALFORMED", "RFC 2408"
    INVALID_KEY_INFORMATION = 17, "INVAL_KEY", "RFC 2408"
    INVALID_ID_INFORMATION = 18, "INVAL_ID", "RFC 2408"
    INVALID_CERT_ENCODING = 19, "INVAL_CERTEN", "RFC 2408"
    INVALID_CERTIFICATE = 20, "INVAL_CERT", "RFC 2408"
    CERT_TYPE_UNSUPPORTED = 21, "CERT_UNSUP", "RFC 2408"
    INVALID_CERT_AUTHORITY = 22, "INVAL_CA", "RFC 2408"
    INVALID_HASH_INFORMATION = 23, "INVAL_HASH", "RFC 2408"
    AUTHENTICATION_FAILED = 24, "AUTH_FAILED", "RFC 2408"
    INVALID_SIGNATURE = 25, "INVAL_SIG", "RFC 2408"
    ADDRESS_NOTIFICATION = 26, "ADDR", "RFC 2408"
    NOTIFY_SA_LIFETIME = 27, "SA_LIFETIME", "RFC 2408"
    CERTIFICATE_UNAVAILABLE = 28, "CERT_UNAVAIL", "RFC 2408"
    UNSUPPORTED_EXCHANGE_TYPE = 29, "UNSUP_EXCH", "RFC 2408"
    UNEQUAL_PAYLOAD_LENGTHS = 30, "UNEQ_LENGTHS", "RFC 2408"

    CONNECTED = 16384, "CONNECTED", "RFC 2408"
    RESPONDER_LIFETIME = 24576, "RESP_LIFETIME", "RFC 2407"
    REPLAY_STATUS = 24577, "REPLAY_STATUS", "RFC 2407"
    INITIAL_CONTACT = 24578, "INITIAL_CONTACT", "RFC 2407"
    CISCO_HELLO = 30000, "CISCO_HELLO", "Cisco"
    CISCO_WWTEBR = 30001, "CISCO_WWTEBR", "Cisco"
    CISCO_SHUT_UP = 30002, "CISCO_SHUT_UP", "Cisco"
    IOS_KEEP_ALIVE_REQ = 32768, "IOS_ALIVE_REQ", "Cisco"
    IOS_KEEP_ALIVE_ACK = 32769, "IOS_ALIVE_ACK", "Cisco"
    R_U_THERE = 36136, "DPD", "RFC 3706"
    R_U_THERE_ACK = 36137, "DPD_ACK", "RFC 3706"
    NETSCREEN_NHTB_INFORM = 40001, "NHTB", "Juniper"
    LOAD_BALANCE = 40501, "LOAD_BALANCE", "Cisco"
    PRESHARED_KEY_HASH = 40503, "PSK_HASH", "Cisco"


_ROWS: dict[int, NotifyType] = {int(row): row for row in NotifyType}


def notify_name(number: int) -> str:
    """``NO_PROPOSAL_CHOSEN``, or ``(NUMBER)`` for a type that is not known."""
    row = _ROWS.get(number)
    return row.name if row else f"({number})"


def short_name(number: int) -> str:
    """``NO_PROP``, or ``(NUMBER)`` for a type that is not known."""
    row = _ROWS.get(number)
    return row.short if row else f"({number})"


def is_error(number: int) -> bool:
    """Whether the type is an error type."""
    return number < FIRST_STATUS
