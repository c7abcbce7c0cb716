"""How wide the tunnels are, so that the widest is known without looking at all of them."""

from collections import Counter


class InnerMtus:
    """The inner MTU of each outbound SA, by its number; there are few different ones."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}
        self._counts: Counter[int] = Counter()

    def note(self, number: int, mtu: int) -> None:
        """An SA has this MTU from now on."""
        self.forget(number)
        self._of[number] = mtu
        self._counts[mtu] += 1

    def forget(self, number: int) -> None:
        """An SA is gone; one never noted is no error."""
        mtu = self._of.pop(number, None)
        if mtu is not None:
            self._counts[mtu] -= 1
            if not self._counts[mtu]:
                del self._counts[mtu]

    def widest(self, default: int) -> int:
        """The largest, ``default`` if there is none."""
        return max(self._counts, default=default)
