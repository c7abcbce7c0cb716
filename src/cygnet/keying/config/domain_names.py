"""Names and addresses that a peer tells of, as far as they can be ones."""

import re
from collections.abc import Callable, Iterable, Iterator

from cygnet.base.addresses import Address

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MAX_NAME = 253

Tell = Callable[[str], None]


def domain_name(value: bytes) -> str | None:
    """A domain name in lower case without a dot at its end, ``None`` if it is not one (RFC 8598, 3.1).

    Names that are not ASCII come as A-labels.
    """
    text = value.decode("ascii", "replace").rstrip(".").lower()
    if len(text) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        return None
    return text


def usable(addresses: Iterable[Address], tell: Tell) -> Iterator[Address]:
    """Those that a host can have; the others are told."""
    for address in addresses:
        if address.is_unspecified or address.is_multicast or address.is_loopback:
            tell(f"ignoring {address}, which no host can have")
        else:
            yield address
