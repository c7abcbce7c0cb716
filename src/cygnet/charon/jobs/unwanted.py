"""CHILD_SAs that operators took down, as long as their IKE_SA lives: their end asks for nothing."""

from cygnet.charon.jobs.installed import Known


class Unwanted:
    """By IKE_SA; for the reconciler, under its lock.

    An IKE_SA that goes may wait minutes for the peer's confirmation, and one that is being re-authenticated
    has told its successor already what to make. Both know nothing of an order that comes in between.
    """

    def __init__(self) -> None:
        self._by_ike: dict[int, dict[int, str]] = {}

    def add(self, known: Known) -> None:
        """An operator took it down."""
        self._by_ike.setdefault(known.ike_id, {})[known.child.unique_id] = known.config.name

    def again(self, name: str) -> None:
        """The connection is wanted again."""
        for children in self._by_ike.values():
            for number in [number for number, own in children.items() if own == name]:
                del children[number]

    def has(self, ike_id: int, child_id: int) -> bool:
        """Whether it was taken down."""
        return child_id in self._by_ike.get(ike_id, {})

    def names(self, ike_id: int) -> frozenset[str]:
        """The connections that were taken down in an IKE_SA."""
        return frozenset(self._by_ike.get(ike_id, {}).values())

    def moved(self, old_ike: int, new_ike: int) -> None:
        """An IKE_SA was rekeyed."""
        children = self._by_ike.pop(old_ike, None)
        if children:
            self._by_ike.setdefault(new_ike, {}).update(children)

    def retired(self, ike_id: int) -> None:
        """An IKE_SA is gone, and has told of the end of all it had."""
        self._by_ike.pop(ike_id, None)
