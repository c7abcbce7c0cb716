"""What both cores ask of the rest besides credentials and the kernel. Asking has no way back into the SA."""

from typing import Protocol

from cygnet.base.selectors import TrafficSelector
from cygnet.keying.sa.marks import NO_MARKS, Marks


class Numbers(Protocol):
    """Numbers that are unique in the whole daemon. May be called from any thread."""

    def child(self) -> int:
        """The ``{n}`` of a new CHILD_SA."""

    def ike(self) -> int:
        """The ``[n]`` of a new IKE_SA; asked when an IKE_SA is rekeyed."""

    def mark(self) -> int:
        """A mark that nobody else has (``%unique``)."""

    def reqid(
        self, local: tuple[TrafficSelector, ...], remote: tuple[TrafficSelector, ...], marks: Marks = NO_MARKS
    ) -> int:
        """The reqid of CHILD_SAs with these selectors and marks, counting one more user."""

    def release_reqid(self, reqid: int) -> None:
        """One user less; a reqid without users may be used for other selectors."""
