"""The purge commands."""

import pytest

from cygnet.charon.control.following import Follower
from cygnet.charon.control.purge import PurgeHandler
from cygnet.charon.control.terminate import TerminateHandler
from cygnet.ctl.stroke import Done, Purge


class Stores:
    """Remembers what it was to forget, and how often the IKE_SAs were looked at."""

    def __init__(self) -> None:
        self.purged: list[frozenset[str]] = []
        self.looked = 0

    def purge(self, kinds: frozenset[str]) -> None:
        self.purged.append(kinds)

    def snapshots(self) -> list:
        self.looked += 1
        return []


@pytest.mark.parametrize("kind", ["certs", "crls", "ocsp"])
def test_caches_are_emptied_in_silence(kind: str, reply) -> None:
    stores = Stores()
    assert purge(stores, kind, reply) == Done()
    assert (stores.purged, stores.looked, reply.lines) == ([frozenset({kind})], 0, [])


def test_purgeike_looks_for_ike_sas(reply) -> None:
    stores = Stores()
    assert purge(stores, "ike", reply) == Done()
    assert (stores.purged, stores.looked, reply.lines) == ([frozenset()], 1, [])


def test_what_there_is_not_is_a_usage_error(reply) -> None:
    stores = Stores()
    assert purge(stores, "nonsense", reply).exit_code == 2
    assert "nonsense" in reply.lines[0]
    assert stores.purged == []


def purge(stores: Stores, kind: str, reply) -> Done:
    terminate = TerminateHandler(stores, None, Follower(lambda: 0.0))
    return PurgeHandler(stores, terminate)(Purge((kind,)), reply)
