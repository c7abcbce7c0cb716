"""All backends as one: pools, and which backends are chosen."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from simulation.pki import leaf_of

from cygnet.base.identities import Identity
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.revocation import FetchError
from cygnet.charon.backends.manager import BackendManager, chosen
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.config.pools import Lease, Pool

LEAF = leaf_of(None).certificate
LEASE = Lease(ip_address("10.3.0.1"), Identity.parse("alice"), online=True)


class Store:
    """Pools, each with the same lease."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def pools(self) -> Sequence[Pool]:
        return [Pool(name, 254, 1) for name in self.names]

    def leases(self, pool: str) -> Iterable[Lease]:
        return [LEASE] if pool in self.names else []


def test_pools_of_all_stores_stand_in_their_order() -> None:
    manager = BackendManager([], [], pools=[Store("a", "b"), Store("c")])
    assert [pool.name for pool in manager.pools()] == ["a", "b", "c"]
    assert list(manager.leases("c")) == [LEASE]
    assert list(manager.leases("nosuch")) == []


def test_without_stores_there_are_no_pools() -> None:
    assert BackendManager([], []).pools() == []


def test_evidence_is_that_of_every_backend() -> None:
    place = HashAndUrl(bytes(20), "http://certs.lab/")
    empty = SimpleNamespace(
        attributes_of=lambda one: (), ocsp_answer=lambda one: None, ocsp_signers=lambda: (b"a", b"b"),
        hash_and_url=lambda one: None, lookup=lambda: lambda place: (LEAF,),
    )  # fmt: skip
    full = SimpleNamespace(
        attributes_of=lambda one: (one,), ocsp_answer=lambda one: one, ocsp_signers=lambda: (b"b", b"c"),
        hash_and_url=lambda one: place,
    )  # fmt: skip
    manager = BackendManager([], [empty, full])
    assert manager.attributes_of(LEAF) == (LEAF,)
    assert manager.ocsp_answer(LEAF) is LEAF
    assert manager.ocsp_signers() == (b"a", b"b", b"c")
    assert manager.hash_and_url(LEAF) is place
    assert manager.lookup()(place) == (LEAF,)
    with pytest.raises(FetchError):
        BackendManager([], []).lookup()(place)


def test_backends_are_chosen_by_name_and_order() -> None:
    one, two = SimpleNamespace(name="one"), SimpleNamespace(name="two")
    assert chosen("two, one two", [one, two]) == [two, one]
    with pytest.raises(ConfigError, match="there is no backend 'x', only one, two"):
        chosen("x", [one, two])
