"""EAP methods as strongSwan's logs and ``statusall`` name them, and as ``leftauth=eap-…`` does."""

from cygnet.eap.catalogue import INNER, METHODS, by_keyword, by_type
from cygnet.eap.packets import IDENTITY, EapType

KEYWORDS = tuple(row.keyword for row in METHODS)
INNER_KEYWORDS = tuple(row.keyword for row in METHODS if row.type in INNER)


def eap_name(kind: EapType) -> str:
    """``EAP_MSCHAPV2``; a number where there is no name."""
    if kind == IDENTITY:
        return "EAP_IDENTITY"
    row = by_type(kind)
    if row is not None:
        return f"EAP_{row.keyword.upper()}"
    return f"EAP_{kind.number}-{kind.vendor}" if kind.vendor else f"EAP_{kind.number}"


def eap_type(word: str) -> EapType | None:
    """The method of ``mschapv2`` or of its number, ``26``; ``None`` if it is none of ours."""
    row = by_keyword(word) or (by_type(EapType(int(word))) if word.isdecimal() and len(word) < 4 else None)
    return None if row is None else row.type


def inner_type(word: str) -> EapType | None:
    """The method of ``phase2_method``, with ``eap-`` before it or not; ``None`` if no tunnel may hold it."""
    kind = eap_type(word.removeprefix("eap-"))
    return kind if kind in INNER else None
