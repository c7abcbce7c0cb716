"""What status commands show of a CHILD_SA: an immutable picture.

Times are seconds of the daemon's monotonic clock. The usage is not here; the control thread asks the kernel.
"""

from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import Mode, SaId
from cygnet.keying.sa.marks import NO_MARKS, Marks


@record
class ChildSnapshot:
    """One CHILD_SA. ``state`` is a name of ``CHILD states`` (``INSTALLED``, ``REKEYING`` …).

    ``proposal`` is strongSwan's text, e.g. ``AES_GCM_16_128`` or ``AES_CBC_128/HMAC_SHA2_256_128``.
    ``rekey_at`` and ``expire_at`` are ``None`` when off. ``cpis`` are those of IPComp, in and out, if used.
    """

    name: str
    unique_id: int
    state: str
    mode: Mode
    reqid: int
    protocol: str
    udp: bool
    inbound: SaId
    outbound: SaId
    proposal: str
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    installed_at: float
    rekey_at: float | None = None
    expire_at: float | None = None
    cpis: tuple[int, ...] = ()
    marks: Marks = NO_MARKS

    @property
    def duplicate_text(self) -> str:
        """Why no second one like this is made, as strongSwan words it."""
        spis = f"{self.inbound.spi:08x}_i {self.outbound.spi:08x}_o"
        why = f"due to existing duplicate {{{self.unique_id}}} with SPIs {spis}"
        return f"not establishing CHILD_SA {self.name} {why}"
