"""The stroke backend as the control thread sees it: what starter loads, and the files to be read again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.base.addresses import Address
from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.ctl.stroke import AddAuthority, AddConnection
from cygnet.kernel.port import Features
from cygnet.keying.backends import pool_texts
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.backends.documents import Document
from cygnet.keying.backends.environment import Environment
from cygnet.keying.backends.resolver import Resolver
from cygnet.keying.backends.stroke_connections import StrokeConnections
from cygnet.keying.backends.stroke_credentials import StrokeCredentials
from cygnet.keying.backends.stroke_files import Places
from cygnet.keying.backends.stroke_keys import Ask
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.keying.config.pools import UNSHARED, Claims
from cygnet.keying.config.settings import DaemonSettings

KINDS = frozenset({"secrets", "cacerts", "certs", "aacerts", "ocspcerts", "acerts", "crls"})


@dataclass(frozen=True, slots=True)
class Host:
    """What the backend needs of the machine it runs on."""

    environment: Environment
    resolver: Resolver
    is_local: Callable[[Address], bool]
    features: Callable[[], Features | None] = lambda: None
    claims: Claims = UNSHARED


class StrokeBackend:
    """Connections and credentials together; a new one has read all its files."""

    def __init__(self, places: Places, settings: DaemonSettings, host: Host) -> None:
        self.credentials = StrokeCredentials(places, settings, host.environment)
        translator = Translator(
            settings,
            self.credentials.load_certificate,
            host.resolver.resolve,
            host.is_local,
            host.features,
            self.credentials.raw_keys.load,
        )
        self.connections = StrokeConnections(
            translator, host.resolver.cached, settings.stroke_max_connections
        )
        self.users, self.pools = self.credentials.users, StrokePools(host.claims)
        self._log = host.environment.log
        self.credentials.reread(KINDS)

    def add(self, request: AddConnection) -> Sequence[str]:
        """Load or replace a connection; the answer is warnings. Raises ``LocalError``."""
        self._log(Group.CFG, 1, f"received stroke: add connection '{request.name}'")
        self.credentials.cache_crls(request.cache_crls)
        warnings = self.connections.add(request)
        peer = self.connections.oriented(request)
        specs = [spec for _, spec in pool_texts.pools(peer.right.sourceip, "rightsourceip") if spec]
        self.pools.load(request.name, specs)
        for warning in warnings:
            self._log(Group.CFG, 1, warning)
        self._log(Group.CFG, 1, f"added configuration '{request.name}'")
        return warnings

    def remove(self, name: str) -> bool:
        """Forget a connection; whether it was there."""
        self._log(Group.CFG, 1, f"received stroke: delete connection '{name}'")
        known = self.connections.remove(name)
        if known:
            self.pools.unload(name)
            self._log(Group.CFG, 1, f"deleted connection '{name}'")
        return known

    def add_authority(self, request: AddAuthority) -> Sequence[str]:
        """Load or replace a ``ca`` section; the answer is warnings. Raises ``LocalError``."""
        self._log(Group.CFG, 1, f"received stroke: add ca '{request.name}'")
        return self.credentials.add_authority(_section(request), request.cacert)

    def remove_authority(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""
        self._log(Group.CFG, 1, f"received stroke: delete ca '{name}'")
        return self.credentials.remove_authority(name)

    def reread(self, kinds: frozenset[str], ask: Ask | None = None) -> tuple[Sequence[str], bool]:
        """Read these kinds of files again: what is wrong with them, and whether all could be used."""
        return self.credentials.reread(kinds, ask)

    def listed(self, kind: str) -> Sequence[tuple[Certificate, bool]]:
        """Certificates of a kind, each with whether we have its private key."""
        return self.credentials.listed(kind)

    def documents(self, kind: str) -> Sequence[Document]:
        """``pubkeys``, ``acerts``, ``groups``, ``crls`` or ``ocsp``."""
        return self.credentials.documents(kind)

    def sections(self) -> Sequence[AuthoritySection]:
        """The loaded ``ca`` sections, in their order."""
        return self.credentials.sections()

    def find(self, identity: Identity) -> Sequence[Certificate]:
        """Every certificate, of whatever kind, that speaks for ``identity``."""
        return self.credentials.find(identity)

    def purge(self, kinds: frozenset[str]) -> None:
        """Forget what was received or fetched: ``certs``, ``crls``, ``ocsp``."""
        self.credentials.purge(kinds)


def _section(request: AddAuthority) -> AuthoritySection:
    return AuthoritySection(
        request.name,
        None,
        tuple(uri for uri in (request.crluri, request.crluri2) if uri),
        tuple(uri for uri in (request.ocspuri, request.ocspuri2) if uri),
        request.certuribase,
    )
