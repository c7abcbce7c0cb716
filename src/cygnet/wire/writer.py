"""Structures that state their own length, put together from parts."""

from collections.abc import Sequence
from struct import Struct


def counted(layout: Struct, before: Sequence[int], after: Sequence[int], content: bytes) -> bytes:
    """A structure whose head is ``before``, the length of everything (head included), then ``after``.

    ``layout`` packs the three. Substructures of SA and TS payloads are of this form (RFC 7296, 3.3.1).
    """
    return layout.pack(*before, layout.size + len(content), *after) + content
