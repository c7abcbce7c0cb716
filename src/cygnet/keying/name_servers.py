"""Name servers that peers tell us of, put to use while their IKE_SAs are there; a listener of the bus."""

from collections import Counter
from collections.abc import Callable

from cygnet.base.addresses import Address
from cygnet.base.groups import Group, Level
from cygnet.keying.config.resolvers import DOT_PORT
from cygnet.keying.sa.events import Servers, ServersGiven, ServersTaken
from cygnet.runtime.bus.records import Record
from cygnet.runtime.name_servers import Keeper, Server

LIMIT = 1000
"""IKE_SAs that have brought servers."""


class NameServers:
    """Runs on a thread of its own. Servers of a newer IKE_SA stand before those of older ones.

    Servers that are for all names make all be for all names.
    """

    name = "resolve"

    def __init__(
        self, keeper: Keeper, interface: Callable[[Address], str], log: Callable[[Group, int, str], None]
    ) -> None:
        """What an earlier daemon has left goes."""
        self._keeper, self._interface, self._log = keeper, interface, log
        self._given: Counter[Servers] = Counter()
        self._show()

    @staticmethod
    def wants(event: object) -> bool:
        """Whether the event is about name servers."""
        return isinstance(event, ServersGiven | ServersTaken)

    def handle(self, record: Record) -> None:
        """Servers came or went."""
        event = record.event
        if isinstance(event, ServersGiven):
            self._gave(event.servers)
        elif isinstance(event, ServersTaken) and event.servers in self._given:
            self._took(event.servers)

    def idle(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """What is there still goes."""
        if self._given:
            self._given.clear()
            self._show()

    def _gave(self, servers: Servers) -> None:
        if len(self._given) >= LIMIT:
            return
        self._given[servers] += 1
        if self._given[servers] == 1:
            chosen = self._chosen(servers)
            for one in chosen:
                self._log(Group.IKE, Level.CONTROL, f"installing DNS server {one}")
            if servers.encrypted and not any(one.tls for one in chosen):
                self._log(Group.IKE, Level.CONTROL, self._unused(servers))
            self._show()

    def _took(self, servers: Servers) -> None:
        self._given[servers] -= 1
        if not self._given[servers]:
            del self._given[servers]
            for one in self._chosen(servers):
                self._log(Group.IKE, Level.CONTROL, f"removing DNS server {one}")
            self._show()

    def _chosen(self, servers: Servers) -> tuple[Server, ...]:
        """Those that speak DNS over TLS, where there are any and they can be used (RFC 9464, 4)."""
        usable = servers.encrypted if self._keeper.speaks_tls else ()
        secure = [
            Server(address, True, one.port or DOT_PORT, one.name)
            for one in usable
            if one.speaks_tls
            for address in one.addresses
        ]
        return tuple(secure) or tuple(map(Server, servers.dns))

    def _unused(self, servers: Servers) -> str:
        if not self._keeper.speaks_tls:
            return "encrypted DNS resolvers not used: that takes charon.plugins.resolve.resolvectl"
        protocols = " ".join(dict.fromkeys(name for one in servers.encrypted for name in one.alpn))
        return f"encrypted DNS resolvers not used: they speak {protocols or 'nothing'}, usable is dot"

    def _show(self) -> None:
        given = [*reversed(self._given)]
        dns = tuple(dict.fromkeys(server for one in given for server in self._chosen(one)))
        for_all = any(not one.domains for one in given)
        domains = () if for_all else tuple(dict.fromkeys(name for one in given for name in one.domains))
        first = next((address for one in given for address in one.virtual_ips), None)
        try:
            self._keeper.set(dns, domains, self._interface(first) if first is not None else "")
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            self._log(Group.IKE, Level.CONTROL, f"name servers cannot be set: {error.strerror}{where}")
