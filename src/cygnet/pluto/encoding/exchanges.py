"""Exchange types (RFC 2408, 3.1; RFC 2409, appendix A; draft-dukes-ike-mode-cfg-02, 3.1).

What their messages carry stands in the transition tables of ``sa``.
"""

from enum import IntEnum


class Exchange(IntEnum):
    """The exchanges that are implemented, under strongSwan's names for its log."""

    ID_PROT = 2
    AGGRESSIVE = 4
    INFORMATIONAL_V1 = 5
    TRANSACTION = 6
    QUICK_MODE = 32


PHASE_1 = frozenset({Exchange.ID_PROT, Exchange.AGGRESSIVE})

_NAMES = {int(exchange): exchange.name for exchange in Exchange}


def exchange_name(number: int) -> str:
    """The name, or ``(NUMBER)`` for an exchange that is not known."""
    return _NAMES.get(number, f"({number})")
