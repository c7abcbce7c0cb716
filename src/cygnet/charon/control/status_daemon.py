"""The parts of ``statusall`` that are not about SAs: the daemon's figures and its loaded connections."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache

from cryptography import x509

from cygnet.base import distinguished_names
from cygnet.base.durations import date, span
from cygnet.charon.control.ports import Figures
from cygnet.keying.config.eap_names import eap_name
from cygnet.keying.config.pools import Pool
from cygnet.keying.config.records import Action, AuthClass, AuthConfig, ChildConfig, PeerConfig

VERSIONS = {0: "IKEv1/2", 1: "IKEv1", 2: "IKEv2"}


def header(figures: Figures, pools: Sequence[Pool]) -> Iterator[str]:
    """The banner, the daemon's own figures, and the pools of virtual addresses if there are any."""
    system = os.uname()
    product = f"Cygnet {figures.version}, {system.sysname} {system.release}, {system.machine}"
    yield f"Status of IKE charon daemon ({product}):"
    yield f"  uptime: {span(figures.uptime_s)}, since {date(figures.started_at)}"
    if figures.memory:
        yield "  malloc: sbrk {}, mmap {}, used {}, free {}".format(*figures.memory)
    working, queued = "/".join(map(str, figures.working)), "/".join(map(str, figures.queued))
    idle = f"{figures.idle} of {figures.threads} idle"
    yield (
        f"  worker threads: {idle}, {working} working, job queue: {queued}, scheduled: {figures.scheduled}"
    )
    yield "  loaded plugins: " + " ".join(figures.plugins)
    if pools:
        yield "Virtual IP pools (size/online/offline):"
    for pool in pools:
        yield f"  {pool.name}: {pool.size}/{pool.online}/{pool.offline}"
    yield "Listening IP addresses:"
    for address in figures.addresses:
        yield f"  {address}"


def connections(peers: Sequence[PeerConfig], name: str) -> Iterator[str]:
    """The loaded connections, all or those with this name."""
    yield "Connections:"
    for peer in peers:
        if name in ("", peer.name) or peer.child(name):
            yield from _peer(peer)


def _peer(peer: PeerConfig) -> Iterator[str]:
    version = VERSIONS.get(peer.ike.version, "IKEv2")
    dpd = f", dpddelay={int(peer.dpd_delay_s)}s" if peer.dpd_delay_s else ""
    yield f"{peer.name:>12}:  {peer.ike.local}...{peer.ike.remote}  {version}{dpd}"
    for auth in peer.local:
        yield from _auth(peer.name, "local: ", auth)
    for auth in peer.remote:
        yield from _auth(peer.name, "remote:", auth)
    for child in peer.children:
        local, remote = " ".join(map(str, child.local_ts)), " ".join(map(str, child.remote_ts))
        action = f", dpdaction={_action(child)}" if peer.dpd_delay_s else ""
        yield f"{child.name:>12}:   child:  {local} === {remote} {child.mode}{action}"


def _action(child: ChildConfig) -> str:
    """strongSwan 6 knows no ``clear``: it shows the same ``none`` for both."""
    return Action.NONE if child.dpd_action is Action.CLEAR else child.dpd_action


def _auth(name: str, side: str, auth: AuthConfig) -> Iterator[str]:
    identity = f" [{auth.identity}]" if auth.identity and not auth.identity.is_any else ""
    yield f"{name:>12}:   {side}{identity} uses {_method(auth)}"
    for authority in auth.authorities:
        yield f'{name:>12}:    ca:    "{authority}"'
    for der in auth.certificates:
        yield f'{name:>12}:    cert:  "{_subject(der)}"'
    for _ in auth.public_keys:
        yield f'{name:>12}:    cert:  "{auth.identity or "%any"}"'


def _method(auth: AuthConfig) -> str:
    """``EAP_MSCHAPV2 authentication with EAP identity 'alice'``, and the like."""
    if auth.auth is not AuthClass.EAP:
        return auth.auth
    methods = "|".join(map(eap_name, auth.eap_methods)) or "EAP"
    identity = f" with EAP identity '{auth.eap_identity}'" if auth.eap_identity is not None else ""
    return f"{methods} authentication{identity}"


@lru_cache(maxsize=4096)
def _subject(der: bytes) -> str:
    return distinguished_names.to_text(x509.load_der_x509_certificate(der).subject.public_bytes())
