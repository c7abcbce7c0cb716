"""All backends as one: asked in configured order, their candidates merged by rank."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError
from cygnet.cert.trust import Check, Verdict
from cygnet.charon.encoding.payloads.configuration import Attribute
from cygnet.charon.sa.ports import Candidate
from cygnet.eap.ports import UserSecret
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.ports import ConnectionStore, PolicyStore, PoolStore, Query, Ranked
from cygnet.keying.config.pools import Applicant, Lease, Pool
from cygnet.keying.config.records import AuthConfig, ChildConfig, PeerConfig
from cygnet.keying.sa.credentials import Authority, Credentials, Lookup, OwnKey, User

IKEV1 = 1
CANDIDATES = 10_000


class BackendManager:
    """Implements ``sa.ports.Configs``, ``Credentials`` and ``Configuration`` over several backends.

    Among candidates of equal rank the backend that comes first in ``charon.backends`` is first.
    """

    def __init__(
        self,
        connections: Sequence[ConnectionStore],
        credentials: Sequence[Credentials],
        policies: Sequence[PolicyStore] = (),
        pools: Sequence[PoolStore] = (),
        told: Callable[[PeerConfig], tuple[Attribute, ...]] = lambda config: (),
    ) -> None:
        self._connections = connections
        self._credentials = credentials
        self._policies = policies
        self._pools = pools
        self._told = told

    def peers(self) -> Sequence[PeerConfig]:
        """All connections of all backends."""
        return [peer for store in self._connections for peer in store.peers()]

    def peer(self, name: str) -> PeerConfig | None:
        """The first peer config of that name."""
        return next((found for store in self._connections if (found := store.peer(name))), None)

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        """The first child config of that name, with its peer's."""
        return next((found for store in self._connections if (found := store.child(name))), None)

    def ranked(self, query: Query) -> Sequence[Ranked]:
        """The candidates of all backends, best first; the sort keeps the backends' order."""
        found = [one for store in self._connections for one in store.candidates(query)]
        return sorted(found, key=lambda one: one.rank, reverse=True)[:CANDIDATES]

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """The IKEv2 connections whose addresses suit both hosts, best first."""
        ranked = self.ranked(Query(local, remote))
        return tuple(Candidate(one.config, one.reason) for one in ranked if one.config.ike.version != IKEV1)

    def children(self, peer: PeerConfig, local: Identity, remote: Identity) -> tuple[ChildConfig, ...]:
        """What may be protected between two identities on this connection."""
        found = (child for store in self._policies for child in store.children(peer, local, remote))
        return tuple(dict.fromkeys(found))

    def pools(self) -> Sequence[Pool]:
        """The pools of all backends."""
        return [pool for store in self._pools for pool in store.pools()]

    def leases(self, pool: str) -> Iterator[Lease]:
        """The leases of the pool of that name."""
        for store in self._pools:
            yield from store.leases(pool)

    def acquire(self, pools: tuple[str, ...], who: Applicant, wanted: Address) -> Address | None:
        """An address of the first of these pools, and the first backend that has it, with one to give."""
        found = (store.acquire(pool, who, wanted) for pool in pools for store in self._pools)
        return next((address for address in found if address is not None), None)

    def release(self, ike_id: int) -> None:
        """The IKE_SA is gone."""
        for store in self._pools:
            store.release(ike_id)

    def move(self, old_id: int, new_id: int) -> None:
        """Another IKE_SA has taken one's place."""
        for store in self._pools:
            store.move(old_id, new_id)

    def attributes(self, config: PeerConfig) -> tuple[Attribute, ...]:
        """What a peer with virtual addresses is told."""
        return self._told(config)

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The pre-shared keys of all backends, best match of the first backend first, each value once."""
        found = (secret for store in self._credentials for secret in store.shared_secrets(local, remote))
        return tuple(dict.fromkeys(found))

    def user(self, connection: str) -> User | None:
        """The user of the first backend that has one for a connection."""
        found = (store.user(connection) for store in self._credentials)
        return next((user for user in found if user is not None), None)

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        """The secret of the first backend that knows the user."""
        found = (store.eap_secret(user, server) for store in self._credentials)
        return next((secret for secret in found if secret is not None), None)

    def ppk(self, identifier: bytes) -> Secret | None:
        """The post-quantum pre-shared key of the first backend that has one of that name."""
        found = (store.ppk(identifier) for store in self._credentials)
        return next((secret for secret in found if secret is not None), None)

    def has_ppk(self) -> bool:
        """Whether any backend has one."""
        return any(store.has_ppk() for store in self._credentials)

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        """The key of the first backend that has one."""
        keys = (store.own_key(auth, identity, authorities) for store in self._credentials)
        return next((key for key in keys if key is not None), None)

    def authorities(self) -> tuple[Authority, ...]:
        """The trusted CAs of all backends."""
        return tuple(dict.fromkeys(one for store in self._credentials for one in store.authorities()))

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        """Trusted end entity certificates that carry ``identity``."""
        found = (one for store in self._credentials for one in store.certificates_of(identity))
        return tuple(dict.fromkeys(found))

    def attributes_of(self, certificate: Certificate) -> tuple[AttributeCertificate, ...]:
        """The attribute certificates of all backends for a certificate of ours."""
        found = (one for store in self._credentials for one in store.attributes_of(certificate))
        return tuple(dict.fromkeys(found))

    def ocsp_answer(self, certificate: Certificate) -> OcspResponse | None:
        """The OCSP response of the first backend that has one."""
        answers = (store.ocsp_answer(certificate) for store in self._credentials)
        return next((one for one in answers if one is not None), None)

    def ocsp_signers(self) -> tuple[bytes, ...]:
        """The trusted responders of all backends."""
        return tuple(dict.fromkeys(one for store in self._credentials for one in store.ocsp_signers()))

    def hash_and_url(self, certificate: Certificate) -> HashAndUrl | None:
        """The place that the first backend names."""
        places = (store.hash_and_url(certificate) for store in self._credentials)
        return next((one for one in places if one is not None), None)

    def lookup(self) -> Lookup:
        """That of the first backend: what is fetched is the same for all."""
        for store in self._credentials:
            return store.lookup()
        return _nothing

    def verify(
        self,
        leaf: Certificate,
        intermediates: tuple[Certificate, ...],
        responses: Sequence[OcspResponse] = (),
        attributes: Sequence[AttributeCertificate] = (),
    ) -> Verdict:
        """The verdict of the first backend that trusts the chain, else the one that got farthest."""
        verdicts: list[Verdict] = []
        for store in self._credentials:
            verdicts.append(store.verify(leaf, intermediates, responses, attributes))
            if verdicts[-1].ok:
                return verdicts[-1]
        nobody = Verdict(False, (leaf,), (Check("issuer", False, "no credential backend is configured"),))
        return max(verdicts, key=lambda verdict: len(verdict.checks), default=nobody)


def _nothing(place: HashAndUrl) -> tuple[Certificate, ...]:
    raise FetchError("no credential backend is configured")


def chosen(names: str, available: Iterable[ConnectionStore]) -> list[ConnectionStore]:
    """The stores that ``charon.backends`` names, in its order; raises :class:`ConfigError` for others."""
    stores = {store.name: store for store in available}
    wanted = list(dict.fromkeys(names.replace(",", " ").split()))
    for name in wanted:
        if name not in stores:
            known = ", ".join(sorted(stores))
            raise ConfigError(f"charon.backends: there is no backend '{name}', only {known}")
    return [stores[name] for name in wanted]
