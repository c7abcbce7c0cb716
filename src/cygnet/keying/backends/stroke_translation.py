"""A ``conn`` as starter sends it, made into records."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.crypto.proposals import Protocol
from cygnet.ctl.stroke import AddConnection, End
from cygnet.kernel.port import Features, Mode
from cygnet.keying.backends import address_match, pool_texts, resolver_texts
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.stroke_children import MODES, child, choice, proposals
from cygnet.keying.backends.stroke_ends import (
    AuthReader,
    CertificateLoader,
    KeyLoader,
    address_spec,
    check_together,
    no_raw_keys,
)
from cygnet.keying.config.records import Childless, IkeConfig, PeerConfig, Revocation, Unique
from cygnet.keying.config.settings import DaemonSettings

UNIQUE = {"yes": Unique.REPLACE, "replace": Unique.REPLACE, "no": Unique.NO, "keep": Unique.KEEP,
          "never": Unique.NEVER}  # fmt: skip
REVOCATION = {one.value: one for one in Revocation}


@dataclass(frozen=True, slots=True)
class Translator:
    """Makes records of messages.

    ``names`` resolves host names; ``is_local`` knows our addresses, ``features`` what the kernel backend
    can do, once it has said so.
    """

    settings: DaemonSettings
    load: CertificateLoader
    names: Callable[[str], tuple[Address, ...]]
    is_local: Callable[[Address], bool]
    features: Callable[[], Features | None] = lambda: None
    load_key: KeyLoader = no_raw_keys

    def translate(self, request: AddConnection) -> tuple[PeerConfig, list[str]]:
        """A peer config with one child, and warnings; raises :class:`ConfigError`."""
        if request.mediation or request.mediated_by:
            raise ConfigError("'mediation' is not part of this version")
        request, notes = self.oriented(request)
        reader = AuthReader(
            self.load, request.authby, notes, request.eap_identity, request.aaa_identity, self.load_key
        )
        local = reader.local(request.left, request.right)
        remote = reader.remote(request.right, request.left)
        check_together(local, remote)
        strict = choice(REVOCATION, request.crl_policy, "strictcrlpolicy")
        peer = PeerConfig(
            name=request.name,
            ike=_ike(request),
            local=local,
            remote=tuple(replace(one, revocation=strict) for one in remote),
            children=(child(request, self.settings, self.features()),),
            unique=choice(UNIQUE, request.unique, "uniqueids"),
            ike_lifetime_s=request.ike_lifetime_s if request.rekey else 0,
            margin_s=request.margin_s,
            fuzz_percent=request.fuzz_percent,
            rekey=request.rekey,
            reauth=request.reauth and request.rekey,
            keying_tries=request.keying_tries,
            mobike=request.mobike,
            dpd_delay_s=request.dpd_delay_s if request.dpd_action != "none" else 0,
            virtual_ips=pool_texts.wishes(request.left.sourceip, "leftsourceip", _family(request)),
            pools=tuple(name for name, _ in pool_texts.pools(request.right.sourceip, "rightsourceip")),
            dns_wanted=pool_texts.dns_families(request.left.dns, "leftdns"),
            dns=pool_texts.dns_servers(request.right.dns, "rightdns"),
            encdns_wanted=pool_texts.dns_families(request.left.encdns, "leftencdns"),
            encdns=resolver_texts.resolvers(request.right.encdns, "rightencdns"),
            ppk_id=Identity.parse(request.ppk_id) if request.ppk_id else None,
            ppk_required=request.ppk_required,
        )
        return peer, notes

    def oriented(self, request: AddConnection) -> tuple[AddConnection, list[str]]:
        """With this host at ``left``: swapped where only ``right`` is one of our addresses."""
        if not self.settings.stroke_allow_swap:
            return request, []
        left, right = self._is_ours(request.left), self._is_ours(request.right)
        if right and not left:
            return replace(request, left=request.right, right=request.left), []
        if left or address_spec(request.left).hosts == ():
            return request, []
        if MODES.get(request.mode) in (Mode.PASS, Mode.DROP):
            return request, []
        return request, ["left nor right host is our side, assuming left=local"]

    def _is_ours(self, end: End) -> bool:
        hosts = [host for host in address_spec(end).hosts if address_match.is_single(host)]
        return any(self.is_local(address) for host in hosts for address in self.names(host))


def _family(request: AddConnection) -> int:
    """Of the tunnel, as far as the addresses are written as such."""
    hosts = (*address_spec(request.right).hosts, *address_spec(request.left).hosts)
    return 6 if hosts and ":" in hosts[0] else 4


def _ike(request: AddConnection) -> IkeConfig:
    return IkeConfig(
        local=address_spec(request.left),
        remote=address_spec(request.right),
        proposals=proposals(request.ike, Protocol.IKE, "ike"),
        version=request.version,
        fragmentation=request.fragmentation != "no",
        force_encaps=request.force_encaps,
        send_certreq=True,
        dscp=request.ikedscp,
        childless=choice({one.value: one for one in Childless}, request.childless, "childless"),
    )
