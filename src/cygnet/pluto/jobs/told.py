"""What ISAKMP SAs tell, in the words of listeners that both daemons have: updown scripts, name servers."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from cygnet.base.addresses import Address, Host
from cygnet.keying.config.domain_names import domain_name, usable
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.sa.events import Servers, ServersGiven, ServersTaken
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.payloads import AttributeType as A
from cygnet.pluto.jobs.core import Picture
from cygnet.pluto.sa.events import Configured, Unconfigured

MAX_SERVERS, MAX_DOMAINS = 8, 64
_DNS = {int(A.INTERNAL_IP4_DNS): 4, int(A.INTERNAL_IP6_DNS): 16}


def translated(event: Any) -> tuple[Any, ...]:
    """The event in words of both daemons, where it is not in them already."""
    match event:
        case Configured() if dns_of(event.attributes):
            return (ServersGiven(_servers(event)),)
        case Unconfigured() if dns_of(event.attributes):
            return (ServersTaken(_servers(event)),)
    return ()


def dns_of(attributes: tuple[Attribute, ...]) -> tuple[Address, ...]:
    """The name servers among attributes of mode config, without those that are malformed or of no use."""
    found = (ip_address(one.value) for one in attributes if len(one.value) == _DNS.get(one.type, -1))
    return tuple(dict.fromkeys(usable(found, lambda text: None)))[:MAX_SERVERS]


def _servers(event: Configured | Unconfigured) -> Servers:
    """With the domains that Cisco's split DNS says they are for."""
    split = (one.value for one in event.attributes if one.type == A.UNITY_SPLITDNS_NAME)
    words = (domain_name(word) for value in split for word in value.replace(b",", b" ").split())
    names = [name for name in words if name is not None]
    return Servers(dns_of(event.attributes), tuple(names[:MAX_DOMAINS]), event.addresses)


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """What updown scripts are told of an ISAKMP SA (``updown_environment.Peer``)."""

    unique_id: int
    remote: Host
    local_id: str
    remote_id: str
    remote_eap_id: str
    local_virtual_ips: tuple[Address, ...]
    remote_virtual_ips: tuple[Address, ...]
    dns: tuple[Address, ...]
    encrypted_dns: tuple[EncryptedResolver, ...] = ()  # IKEv1 has none


def script_facts(picture: Callable[[int], Picture | None]) -> Callable[[int], ScriptFacts | None]:
    """Finds them by the number of the ISAKMP SA."""

    def find(number: int) -> ScriptFacts | None:
        one = picture(number)
        if one is None:
            return None
        return ScriptFacts(
            one.number, one.remote, one.local_id, one.remote_id, one.xauth_user, one.received_addresses,
            one.given_addresses, one.dns,
        )  # fmt: skip

    return find
