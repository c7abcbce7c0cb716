"""States: pluto's own, and those that ``ipsec status`` shows of ISAKMP SAs; and which may follow which.

A :class:`State` is a place in the transition table of a mode. Names, numbers and stories are those of
strongSwan's pluto: ``whack`` prints them, and its result codes are 100 plus the number. That pluto had no
aggressive mode; those states are numbered behind.
"""

from enum import IntEnum, StrEnum

from cygnet.keying.sa.child_states import IllegalMoveError


class State(IntEnum):
    """One row per state: its number and its story. START is before the first message of ours."""

    story: str

    def __new__(cls, number: int, story: str) -> "State":
        row = int.__new__(cls, number)
        row._value_ = number
        row.story = story
        return row

    START = 0, "nothing sent yet"
    MAIN_R0 = 1, "expecting MI1"
    MAIN_I1 = 2, "sent MI1, expecting MR1"
    MAIN_R1 = 3, "sent MR1, expecting MI2"
    MAIN_I2 = 4, "sent MI2, expecting MR2"
    MAIN_R2 = 5, "sent MR2, expecting MI3"
    MAIN_I3 = 6, "sent MI3, expecting MR3"
    MAIN_R3 = 7, "sent MR3, ISAKMP SA established"
    MAIN_I4 = 8, "ISAKMP SA established"
    QUICK_R0 = 9, "expecting QI1"
    QUICK_I1 = 10, "sent QI1, expecting QR1"
    QUICK_R1 = 11, "sent QR1, inbound IPsec SA installed, expecting QI2"
    QUICK_I2 = 12, "sent QI2, IPsec SA established"
    QUICK_R2 = 13, "IPsec SA established"
    INFO = 14, "got Informational Message in clear"
    INFO_PROTECTED = 15, "got encrypted Informational Message"
    XAUTH_I0 = 16, "expecting XAUTH request"
    XAUTH_R1 = 17, "sent XAUTH request, expecting reply"
    XAUTH_I1 = 18, "sent XAUTH reply, expecting status"
    XAUTH_R2 = 19, "sent XAUTH status, expecting ack"
    XAUTH_I2 = 20, "sent XAUTH ack, established"
    XAUTH_R3 = 21, "received XAUTH ack, established"
    MODE_CFG_R0 = 22, "expecting ModeCfg request"
    MODE_CFG_I1 = 23, "sent ModeCfg request, expecting reply"
    MODE_CFG_R1 = 24, "sent ModeCfg reply, established"
    MODE_CFG_I2 = 25, "received ModeCfg reply, established"
    MODE_CFG_I0 = 26, "expecting ModeCfg set"
    MODE_CFG_R3 = 27, "sent ModeCfg set, expecting ack"
    MODE_CFG_I3 = 28, "sent ModeCfg ack, established"
    MODE_CFG_R4 = 29, "received ModeCfg ack, established"
    AGGR_R0 = 30, "expecting AI1"
    AGGR_I1 = 31, "sent AI1, expecting AR1"
    AGGR_R1 = 32, "sent AR1, expecting AI2"
    AGGR_I2 = 33, "sent AI2, ISAKMP SA established"
    AGGR_R2 = 34, "ISAKMP SA established"

    @property
    def label(self) -> str:
        """``STATE_MAIN_I4``."""
        return f"STATE_{self.name}"


PHASE_1_DONE = frozenset({State.MAIN_R3, State.MAIN_I4, State.AGGR_I2, State.AGGR_R2})
"""The states in which main or aggressive mode is over."""


class IkeState(StrEnum):
    """States of an ISAKMP SA as ``ipsec status`` shows them; charon's, so that one view has both."""

    CREATED = "CREATED"
    CONNECTING = "CONNECTING"
    ESTABLISHED = "ESTABLISHED"
    REKEYED = "REKEYED"
    DELETING = "DELETING"
    DESTROYING = "DESTROYING"


_I = IkeState
IKE_MOVES = frozenset(
    {
        (_I.CREATED, _I.CONNECTING),
        (_I.CREATED, _I.DESTROYING),
        (_I.CONNECTING, _I.ESTABLISHED),
        (_I.CONNECTING, _I.DESTROYING),
        (_I.ESTABLISHED, _I.REKEYED),  # another one takes its place
        (_I.ESTABLISHED, _I.DELETING),
        (_I.ESTABLISHED, _I.DESTROYING),
        (_I.REKEYED, _I.DELETING),
        (_I.REKEYED, _I.DESTROYING),
        (_I.DELETING, _I.DESTROYING),
    }
)


def check_ike_move(old: IkeState, new: IkeState) -> None:
    """Raise :class:`IllegalMoveError` unless ``new`` may follow ``old``."""
    if (old, new) not in IKE_MOVES:
        raise IllegalMoveError(f"ISAKMP SA from {old} to {new}")
