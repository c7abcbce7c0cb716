"""Configuration payloads in IKE_AUTH: virtual addresses and what goes with them (RFC 7296, 2.19, 3.15)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from cygnet.base.addresses import Address
from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Authentication,
    Configuration,
    IdentificationInitiator,
    SecurityAssociation,
)
from cygnet.charon.encoding.payloads.configuration import (
    Attribute,
    AttributeType,
    ConfigurationType,
)
from cygnet.charon.sa import cp_attributes, encrypted_dns, virtual_ips
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.keying.config.pools import Applicant
from cygnet.keying.config.records import AuthClass, PeerConfig, Unique
from cygnet.keying.sa import own_addresses
from cygnet.keying.sa.events import ServersGiven

IF_ASKED = frozenset({AttributeType.INTERNAL_DNS_DOMAIN, AttributeType.INTERNAL_DNSSEC_TA})
"""What is told only to those who ask, since others would take it amiss (RFC 8598, 3)."""


class IkeConfig(Task):
    """Asks for addresses, and gives them to peers that have authenticated themselves.

    It stands before the task that makes the CHILD_SA, whose selectors depend on the addresses.
    """

    name = "IKE_CONFIG"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_AUTH})

    def __init__(self, sa: Association) -> None:
        super().__init__(sa)
        self._request: Configuration | None = None
        self._with_child = False
        self._sent = False

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        if self._sent or not any(isinstance(one, IdentificationInitiator) for one in draft.payloads):
            return MORE
        self._sent = True
        wanted, config = _wanted(sa), sa.peer_config
        if not wanted and not config.dns_wanted and not config.encdns_wanted:
            return DONE
        dns = sorted(config.dns_wanted | {one.version for one in wanted})
        sa.virtual.asked = tuple(one.version for one in wanted)
        attributes = cp_attributes.request(wanted, dns) + self._encrypted(dns)
        if sa.ports.settings.split_dns:
            attributes += (Attribute(AttributeType.INTERNAL_DNS_DOMAIN),)
        draft.add(Configuration(ConfigurationType.REQUEST, attributes))
        return MORE

    def _encrypted(self, dns: Iterable[int]) -> tuple[Attribute, ...]:
        """Encrypted DNS is asked for where it is wanted, and where this host can use it (RFC 9464, 4)."""
        named = self.sa.peer_config.encdns_wanted
        usual = dns if self.sa.ports.settings.resolve_resolvectl else ()
        return encrypted_dns.request(sorted(named or usual), digests=bool(named))

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        if sa.state is not IkeState.ESTABLISHED:
            return MORE
        asked, sa.virtual.asked = sa.virtual.asked, ()
        reply = message.first(Configuration)
        if reply is None or reply.type != ConfigurationType.REPLY:
            if asked:
                sa.log(Group.IKE, "the peer assigned no virtual IP address")
            return DONE
        for address in self._given(reply, asked):
            if own_addresses.install(sa.ports.kernel, sa.ports.settings, address, sa.log):
                sa.virtual.local = (*sa.virtual.local, address)
        self._take_servers(reply)
        return DONE

    def _given(self, reply: Configuration, asked: tuple[int, ...]) -> tuple[Address, ...]:
        """As many as we have asked for, of the families that we have asked for."""
        left, found = list(asked), []
        for address in cp_attributes.given_addresses(reply, self._tell):
            if address.version in left:
                left.remove(address.version)
                found.append(address)
            else:
                self._tell(f"ignoring virtual IP {address}, which we have not asked for")
        return tuple(found)

    def _take_servers(self, reply: Configuration) -> None:
        sa = self.sa
        servers = cp_attributes.servers(reply, sa.virtual.local, self._tell)
        if not sa.ports.settings.split_dns:
            servers = replace(servers, domains=())
        if servers.encrypted and any(one.auth is AuthClass.NULL for one in sa.peer_config.remote):
            self._tell("ignoring encrypted DNS resolvers of a peer that has not proved itself")  # RFC 9464, 6
            servers = replace(servers, encrypted=())
        sa.virtual.servers = servers
        for one in servers.encrypted:
            self._tell(f"received encrypted DNS resolver {one}")
        if servers:
            sa.announce(ServersGiven(servers))

    def restart(self) -> None:
        self.sa.virtual.asked, self._sent = (), False

    # As responder

    def process_request(self, message: Message) -> Step:
        payload = message.first(Configuration)
        if payload is not None and payload.type == ConfigurationType.REQUEST and self._request is None:
            self._request = payload
        self._with_child = self._with_child or message.first(SecurityAssociation) is not None
        last = message.first(Authentication) is not None
        if last and message.notify(NotifyType.ANOTHER_AUTH_FOLLOWS) is None:
            self._assign()
        return MORE

    def _assign(self) -> None:
        """The peer is who it says: it gets what it asks for, as far as there is any."""
        sa = self.sa
        config, virtual = sa.peer_config, sa.virtual
        virtual.demanded = bool(config.pools)
        if self._request is None:
            return
        asked = cp_attributes.asked_addresses(self._request, self._tell)
        for wanted in asked[: sa.ports.settings.max_virtual_ips] if config.pools else ():
            self._log_wish(wanted)
            address = sa.ports.configuration.acquire(config.pools, _applicant(sa, config), wanted)
            if address is None:
                sa.log(Group.IKE, f"no virtual IP found for {wanted} requested by '{virtual_ips.lessee(sa)}'")
            else:
                sa.log(Group.IKE, f"assigning virtual IP {address} to peer '{virtual_ips.lessee(sa)}'")
                virtual.remote = (*virtual.remote, address)
        virtual.exhausted = bool(asked) and not virtual.remote

    def _log_wish(self, wanted: Address) -> None:
        any_one = "%any" if wanted.version == 4 else "%any6"
        self.sa.log(Group.IKE, f"peer requested virtual IP {any_one if wanted.is_unspecified else wanted}")

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        if sa.state is not IkeState.ESTABLISHED:
            return MORE
        if self._request is None:
            return DONE
        if sa.virtual.demanded and sa.virtual.exhausted:
            if not self._with_child:  # else the task that makes it says so
                draft.notify(NotifyType.INTERNAL_ADDRESS_FAILURE)
            return DONE
        attributes = (
            *map(cp_attributes.address_attribute, sa.virtual.remote),
            *self._told(self._request),
        )
        if attributes:
            draft.add(Configuration(ConfigurationType.REPLY, attributes))
        return DONE

    def _told(self, request: Configuration) -> tuple[Attribute, ...]:
        sa = self.sa
        config = sa.peer_config
        encrypted = encrypted_dns.reply(request, config.encdns)
        if not config.pools and not config.dns:
            return encrypted
        asked = {one.type for one in request.attributes}
        known = sa.ports.configuration.attributes(config)
        return (*(one for one in known if one.type not in IF_ASKED or one.type in asked), *encrypted)

    # Both

    def _tell(self, text: str) -> None:
        self.sa.log(Group.IKE, text)


def _wanted(sa: Association) -> tuple[Address, ...]:
    """As configured; for any address those that we had in the IKE_SA that this one is to succeed."""
    earlier = list(sa.virtual.earlier)
    found = []
    for wish in sa.peer_config.virtual_ips:
        again = next((one for one in earlier if one.version == wish.version), None)
        if again is not None and wish.is_unspecified:
            earlier.remove(again)
            wish = again
        found.append(wish)
    return tuple(found)


def _applicant(sa: Association, config: PeerConfig) -> Applicant:
    anonymous = config.remote[0].auth is AuthClass.NULL
    single = config.unique in (Unique.REPLACE, Unique.KEEP) and not anonymous
    return Applicant(sa.unique_id, virtual_ips.lessee(sa), sa.remote.address, single)
