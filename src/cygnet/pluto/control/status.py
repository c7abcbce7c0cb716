"""``whack --status`` and ``--statusall``, in the format of strongSwan 4's pluto.

Nothing here waits for an SA; pictures and the connection table are read as they are.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cygnet import __version__
from cygnet.base.addresses import Address
from cygnet.ctl.whack import End, Policy, Status
from cygnet.ctl.whack_codes import Rc
from cygnet.kernel.port import Usage
from cygnet.pluto.backends.connections import Connection, Connections, UnknownNameError
from cygnet.pluto.backends.specifier import Specifier, parse
from cygnet.pluto.control.daemon_verbs import DaemonState
from cygnet.pluto.control.replies import Reply
from cygnet.pluto.control.view import View
from cygnet.pluto.jobs.core import ChildPicture, Picture

DEAF = "not listening for IKE messages (whack --listen)"
WIRE_COUNTERS = "ike "
"""How counters of datagrams without an SA begin."""


class Routing(StrEnum):
    """How packets between the two clients are treated; a child SA owns the eroute of FreeS/WAN."""

    UNROUTED = "unrouted"
    PROSPECTIVE = "prospective erouted"
    EROUTED = "erouted"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the daemon is: its sockets, its parts, and where its figures come from."""

    ports: tuple[int, int]
    addresses: Callable[[], Sequence[Address]]
    interface_of: Callable[[Address], str]
    plugins: tuple[str, ...]
    counters: Callable[[], Mapping[str, int]]
    now: Callable[[], float]


@dataclass(frozen=True, slots=True)
class StatusHandler:
    """Answers ``--status`` and ``--statusall``; the suite's format is :class:`View`'s."""

    connections: Connections
    pictures: Callable[[], Sequence[Picture]]
    state: DaemonState
    facts: Facts
    view: View

    def __call__(self, request: Status, reply: Reply) -> None:
        """Write the whole status, of everything or of one name, which must be known."""
        pictures = sorted(self.pictures(), key=lambda sa: sa.number)
        if request.suite:
            lines = self.view.lines(request, self.connections.all(), pictures)
        else:
            lines = self._lines(request, pictures)
        for line in lines:
            reply.line(Rc.COMMENT, line)

    def _lines(self, request: Status, pictures: Sequence[Picture]) -> Iterator[str]:
        wanted = parse(request.name) if request.name else None
        chosen = [one for one in self.connections.all() if _shown(one, wanted)]
        if wanted is not None and not chosen:
            raise UnknownNameError(f'no connection named "{request.name}"')
        if wanted is None:
            yield from self._header(request.all)
        for connection in chosen:
            yield from self._connection(connection, pictures, request.all)
        shown = [sa for sa in pictures if wanted is None or wanted.means(0, sa.name, sa.instance)]
        if shown:
            yield ""
        for sa in shown:
            yield from self._states(sa, pictures)

    def _header(self, details: bool) -> Iterator[str]:
        if not details:
            if not self.state.listening:
                yield DEAF
            return
        yield f"Status of IKEv1 pluto daemon (Cygnet {__version__}):"
        for address in self.facts.addresses():
            name = self.facts.interface_of(address) or "?"
            host = f"[{address}]" if address.version == 6 else str(address)
            for port in self.facts.ports:
                yield f"interface {name}/{name} {host}:{port}"
        my_id = self.connections.my_id
        yield f"%myid = '{my_id}'" if my_id else "%myid = (none)"
        yield f"loaded plugins: {' '.join(self.facts.plugins)}"
        yield f"debug options: {'+'.join(self.state.debug) or 'none'}"
        if not self.state.listening:
            yield DEAF
        pools = self.view.pools()
        if pools:
            yield "Virtual IP pools (size/online/offline):"
        for pool in pools:
            yield f'"{pool.name}": {pool.size}/{pool.online}/{pool.offline}'
        dropped = {
            name.removeprefix(WIRE_COUNTERS): count
            for name, count in self.facts.counters().items()
            if name.startswith(WIRE_COUNTERS)
        }
        if dropped:
            yield "dropped datagrams: " + ", ".join(f"{name} {count}" for name, count in dropped.items())
        yield ""

    def _connection(
        self, connection: Connection, pictures: Sequence[Picture], details: bool
    ) -> Iterator[str]:
        label = connection.label
        own = [sa for sa in pictures if (sa.name, sa.instance) == (connection.name, connection.instance)]
        ike, child = newest(own)
        routing = self._routing(connection, child)
        yield f"{label}: {topology(connection)}; {routing}; eroute owner: #{child}"
        if details:
            yield from self._details(connection)
        yield f"{label}:   newest ISAKMP SA: #{ike}; newest IPsec SA: #{child};"
        if details:
            yield from _proposals(connection, own, ike, child)

    def _routing(self, connection: Connection, child: int) -> Routing:
        if child:
            return Routing.EROUTED
        caught = any(one.name == connection.name for one in self.view.routed())
        return Routing.PROSPECTIVE if caught and not connection.instance else Routing.UNROUTED

    def _details(self, connection: Connection) -> Iterator[str]:
        label, message = f"{connection.label}:  ", connection.message
        local, remote = connection.local or message.left, connection.remote or message.right
        if local.ca or remote.ca:
            yield f"{label} CAs: {_ca(local)}...{_ca(remote)}"
        if remote.groups:
            yield f"{label} groups: {', '.join(remote.groups.split(','))}"
        yield (
            f"{label} ike_life: {message.ike_lifetime_s:.0f}s; ipsec_life: {message.ipsec_lifetime_s:.0f}s; "
            f"rekey_margin: {message.margin_s:.0f}s; rekey_fuzz: {message.fuzz_percent}%; "
            f"keyingtries: {message.keying_tries}"
        )
        if message.dpd_action != "none" and message.dpd_delay_s:
            yield (
                f"{label} dpd_action: {message.dpd_action}; dpd_delay: {message.dpd_delay_s:.0f}s; "
                f"dpd_timeout: {message.dpd_timeout_s:.0f}s;"
            )
        prio = f"{_bits(local)},{_bits(remote)}"
        yield f"{label} policy: {policy(connection)}; prio: {prio}; interface: {self._interface(local)};"

    def _interface(self, local: End) -> str:
        found = [one for one in self.facts.addresses() if str(one) in local.host.split(",")]
        return self.facts.interface_of(found[0]) if found else ""

    def _states(self, sa: Picture, pictures: Sequence[Picture]) -> Iterator[str]:
        ike, newest_child = newest(
            [one for one in pictures if (one.name, one.instance) == (sa.name, sa.instance)]
        )
        marks = "; newest ISAKMP" if sa.number == ike else ""
        marks += "; DPD active" if sa.dpd else ""
        yield f"#{sa.number}: {sa.label} {sa.state} ({sa.story}){self._event(sa)}{marks}"
        for child in sa.children:
            mark = "; newest IPSEC; eroute owner" if child.number == newest_child else ""
            yield f"#{child.number}: {sa.label} {child.state} ({child.story}){self._event(child)}{mark}"
            if child.established:
                yield f"#{child.number}: {sa.label} {_spis(child, sa)}"

    def _event(self, sa: Picture | ChildPicture) -> str:
        return f"; {sa.event} in {max(0, int(sa.event_at - self.facts.now()))}s" if sa.event else ""


def newest(sas: Sequence[Picture]) -> tuple[int, int]:
    """The numbers of the newest ISAKMP SA and the newest IPsec SA that are established, 0 for none."""
    children = [child.number for sa in sas for child in sa.children if child.established]
    return max((sa.number for sa in sas if sa.established), default=0), max(children, default=0)


def topology(connection: Connection) -> str:
    """``10.1.0.0/16===192.0.2.1[moon]...%any[%any]``; our end first, as far as that is known."""
    message = connection.message
    local, remote = connection.local or message.left, connection.remote or message.right
    left, right = (_end(local), _hop(local)), (_end(remote), _hop(remote))
    ours = "===".join(filter(None, (_client(local), left[0])))
    theirs = "===".join(filter(None, (right[0], _client(remote))))
    return f"{ours}{left[1] and '---' + left[1]}...{right[1] and right[1] + '---'}{theirs}"


def policy(connection: Connection) -> str:
    """``PSK+ENCRYPT+TUNNEL+PFS``, with a shunt's word and what stands in after a failure."""
    message = connection.message
    words = [bit.name or "" for bit in Policy if message.policy & bit]
    if message.shunt != "trap":
        words.append(message.shunt.upper())
    if message.failure != "none":
        words.append(f"failure-{message.failure.upper()}")
    return "+".join(words)


def _shown(connection: Connection, wanted: Specifier | None) -> bool:
    return wanted is None or wanted.means(0, connection.name, connection.instance)


def _end(end: End) -> str:
    port = f":{end.ikeport}" if end.ikeport != 500 else ""
    name = end.id or ("%any" if end.host.startswith("%") else end.host)
    what = ""
    if end.protocol or (end.from_port, end.to_port) != (0, 65535):
        ports = end.from_port if end.from_port == end.to_port else "%any"
        what = f":{end.protocol}/{ports}"
    return f"{end.host}{port}[{name}]{what}"


def _hop(end: End) -> str:
    return "" if end.nexthop in ("", "%direct") else end.nexthop


def _client(end: End) -> str:
    if end.srcip.startswith("%config") or end.srcip == "%modeconfig":
        return "%modecfg"
    return f"{{{end.client}}}" if end.client_within else end.client


def _ca(end: End) -> str:
    return f'"{end.ca}"' if end.ca and not end.ca.startswith("%") else end.ca or "%any"


def _bits(end: End) -> int:
    """The prefix length of the first client, that of a host without."""
    bits = end.client.partition(",")[0].partition("[")[0].partition("/")[2]
    return int(bits) if bits.isdigit() else 128 if ":" in (end.client or end.host) else 32


def _proposals(connection: Connection, sas: Sequence[Picture], ike: int, child: int) -> Iterator[str]:
    """``AES_CBC_128/HMAC_SHA1/MODP_2048``: pluto names no PRF, and no length of a MAC but the odd one."""
    phase1 = [_PRF.sub("", sa.proposal) for sa in sas if sa.number == ike and ike]
    phase2 = [one for sa in sas for one in sa.children if one.number == child and child]
    parts = [f"IKE proposal: {_LENGTH.sub('', text)}" for text in phase1]
    for one in phase2:
        text = _LENGTH.sub("", one.proposal)
        if connection.message.pfs_as_phase_1 and phase1:
            text = text.removesuffix(phase1[0].rpartition("/")[2]) + "<Phase1>"
        parts.append(f"{one.protocol} proposal: {text}")
    if parts:
        yield f"{connection.label}:   {' ; '.join(parts)}"


_PRF = re.compile(r"/PRF_\w+")
_LENGTH = re.compile(r"(?<=HMAC_MD5)_\d+|(?<=HMAC_SHA1)_\d+|(?<=HMAC_SHA2_256)_128"
                     r"|(?<=HMAC_SHA2_384)_\d+|(?<=HMAC_SHA2_512)_\d+")  # fmt: skip


def _spis(child: ChildPicture, sa: Picture) -> str:
    protocol = child.protocol.lower()
    out, back = _usage(child.usage_out), _usage(child.usage_in)
    theirs = f"{protocol}.{child.spi_out:x}@{sa.remote.address} ({out})"
    ours = f"{protocol}.{child.spi_in:x}@{sa.local.address} ({back})"
    comp = ""
    if child.cpis:
        comp = f" comp.{child.cpis[1]:x}@{sa.remote.address} comp.{child.cpis[0]:x}@{sa.local.address}"
    return f"{theirs} {ours}{comp}; {child.mode.lower()}"


def _usage(usage: Usage) -> str:
    ago = usage.last_used_s
    return f"{usage.bytes} bytes" + (f", {int(ago)}s ago" if ago is not None else "")
