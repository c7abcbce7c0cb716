"""The XFRM side of a kernel in dictionaries, behind the interface of a netlink socket.

It knows an SA by destination, SPI and protocol, a policy by selector, direction, mark and interface, as the
kernel does, and lets tests look, take away, and refuse.
"""

import errno
from itertools import count

from cygnet.kernel.backends.netlink import Message, RefusedError, attribute, attributes
from cygnet.kernel.backends.xfrm.constants import Attr, Kind
from cygnet.kernel.backends.xfrm.policy_layout import (
    POLICY_NAME_SIZE,
    POLICY_SIZE,
    PolicyInfo,
    unpack_policy_name,
)
from cygnet.kernel.backends.xfrm.primitives import Current
from cygnet.kernel.backends.xfrm.sa_layout import SA_INFO_SIZE, SaInfo, unpack_sa_name

SaKey = tuple[object, int, int]
PolicyKey = tuple[object, int, bytes, bytes]


class SimulatedNetlink:
    """Answers what :class:`cygnet.kernel.backends.netlink.Netlink` would."""

    port = 4711

    def __init__(self) -> None:
        self.sas: dict[SaKey, bytes] = {}
        self.policies: dict[PolicyKey, bytes] = {}
        self.requests: list[tuple[Kind, bytes]] = []
        self._refusals: list[tuple[Kind, RefusedError]] = []
        self._spis = count(0xC0000001)

    def refuse_next(self, kind: Kind, number: int, words: str = "") -> None:
        """Refuse the next request of that kind."""
        self._refusals.append((kind, RefusedError(number, words)))

    def infos(self) -> list[SaInfo]:
        """All SAs."""
        return [SaInfo.unpack(body) for body in self.sas.values()]

    def policy_infos(self) -> list[PolicyInfo]:
        """All policies."""
        return [PolicyInfo.unpack(body) for body in self.policies.values()]

    def kinds(self) -> list[Kind]:
        """What was asked, in order."""
        return [kind for kind, _ in self.requests]

    def carry(self, spi: int, octets: int, packets: int) -> None:
        """Let an SA have carried traffic."""
        for key, body in self.sas.items():
            if key[1] == spi:
                current = Current(octets, packets, 1000, 1001).pack()
                self.sas[key] = (
                    body[:160] + current + body[192:] + attribute(Attr.LASTUSED, (1060).to_bytes(8, "little"))
                )

    def ask(self, kind: Kind, body: bytes, flags: int = 0) -> tuple[int, tuple[Message, ...]]:
        self.requests.append((kind, body))
        for number, (refused, error) in enumerate(self._refusals):
            if refused == kind:
                del self._refusals[number]
                raise error
        answers = {
            Kind.NEW_SA: self._new_sa,
            Kind.UPDATE_SA: self._update_sa,
            Kind.DELETE_SA: self._delete_sa,
            Kind.GET_SA: self._get_sa,
            Kind.ALLOCATE_SPI: self._allocate,
            Kind.NEW_POLICY: self._new_policy,
            Kind.UPDATE_POLICY: self._put_policy,
            Kind.DELETE_POLICY: self._delete_policy,
            Kind.MIGRATE: lambda body: None,
        }[kind](body)
        return len(self.requests), () if answers is None else (Message(Kind.NEW_SA, 0, 1, 0, answers),)

    def dump(self, kind: Kind, body: bytes = b"") -> list[Message]:
        table = self.sas if kind == Kind.GET_SA else self.policies
        return [Message(kind, 0, 1, 0, entry) for entry in table.values()]

    def close(self) -> None:
        pass

    def _new_sa(self, body: bytes) -> None:
        if _sa_key(body) in self.sas:
            raise RefusedError(errno.EEXIST)
        self.sas[_sa_key(body)] = body

    def _update_sa(self, body: bytes) -> None:
        if _sa_key(body) not in self.sas:
            raise RefusedError(errno.ESRCH)
        self.sas[_sa_key(body)] = body

    def _delete_sa(self, body: bytes) -> None:
        if self.sas.pop(unpack_sa_name(body)[:3], None) is None:
            raise RefusedError(errno.ESRCH)

    def _get_sa(self, body: bytes) -> bytes:
        found = self.sas.get(unpack_sa_name(body)[:3])
        if found is None:
            raise RefusedError(errno.ESRCH)
        return found

    def wait_for(self, sa: SaInfo) -> None:
        """A packet has met a trap: the kernel waits for an SA, which has no SPI yet."""
        self.sas[sa.destination, 0, sa.protocol] = sa.pack()

    def _allocate(self, body: bytes) -> bytes:
        wanted = SaInfo.unpack(body)
        waiting = self.sas.get((wanted.destination, 0, wanted.protocol))
        if waiting is not None and SaInfo.unpack(waiting).reqid == wanted.reqid:
            del self.sas[wanted.destination, 0, wanted.protocol]
        low = int.from_bytes(body[SA_INFO_SIZE : SA_INFO_SIZE + 4], "little")
        spi = max(low, next(self._spis) if low > 0xFFFF else low)
        while any(key[1] == spi for key in self.sas):
            spi += 1
        larval = body[:72] + spi.to_bytes(4) + body[76:SA_INFO_SIZE]
        self.sas[_sa_key(larval)] = larval
        return larval

    def _new_policy(self, body: bytes) -> None:
        if _policy_key(body) in self.policies:
            raise RefusedError(errno.EEXIST)
        self._put_policy(body)

    def _put_policy(self, body: bytes) -> None:
        self.policies[_policy_key(body)] = body

    def _delete_policy(self, body: bytes) -> None:
        selector, direction = unpack_policy_name(body)
        more = attributes(body[POLICY_NAME_SIZE:])
        key = (selector, direction, more.get(Attr.MARK, b""), more.get(Attr.IF_ID, b""))
        if self.policies.pop(key, None) is None:
            raise RefusedError(errno.ENOENT)


def _sa_key(body: bytes) -> SaKey:
    info = SaInfo.unpack(body)
    return (info.destination, info.spi, info.protocol)


def _policy_key(body: bytes) -> PolicyKey:
    info, more = PolicyInfo.unpack(body), attributes(body[POLICY_SIZE:])
    return (info.selector, info.direction, more.get(Attr.MARK, b""), more.get(Attr.IF_ID, b""))
