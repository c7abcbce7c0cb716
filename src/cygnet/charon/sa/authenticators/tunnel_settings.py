"""What ``strongswan.conf`` says of EAP-TLS, EAP-TTLS and PEAP (``charon.plugins.eap-tls`` and so on)."""

from dataclasses import dataclass, replace

from cygnet.eap.catalogue import INNER
from cygnet.eap.methods.ttls_server import TtlsStyle
from cygnet.eap.packets import PEAP, TTLS, EapType
from cygnet.eap.server import MAX_REQUESTS
from cygnet.eap.tls.options import VERSIONS, TlsOptions, TlsVersion
from cygnet.keying.config.eap_names import inner_type
from cygnet.keying.config.settings import DaemonSettings


@dataclass(frozen=True, slots=True)
class TunnelSettings:
    """Of one method. ``inner`` are the methods that a peer may use in its tunnel.

    ``unfit`` is why it is not offered to peers, empty if it is.
    """

    fragment_size: int
    max_messages: int
    include_length: bool
    inner: tuple[EapType, ...] = INNER
    piggyback: bool = False
    peer_auth: bool = False
    unfit: str = ""
    versions: tuple[TlsVersion, TlsVersion] = (TlsVersion.TLS_1_2, TlsVersion.TLS_1_3)

    @property
    def styles(self) -> frozenset[TtlsStyle]:
        """How a peer may prove itself inside EAP-TTLS: by EAP where a method of it is named."""
        return frozenset(TtlsStyle) if self.inner == INNER else frozenset({TtlsStyle.EAP})

    def framed(self, options: TlsOptions) -> TlsOptions:
        """With the sizes and limits of the method, and the versions of TLS that are allowed."""
        return replace(
            options,
            version_min=self.versions[0],
            version_max=self.versions[1],
            fragment_size=self.fragment_size,
            max_messages=self.max_messages or MAX_REQUESTS,
            include_length=self.include_length,
        )


def of(settings: DaemonSettings, kind: EapType) -> TunnelSettings:
    """Those of EAP-TLS, EAP-TTLS or PEAP."""
    return replace(_of(settings, kind), versions=tls_versions(settings))


def tls_versions(settings: DaemonSettings) -> tuple[TlsVersion, TlsVersion]:
    """``charon.tls.version_min`` and ``version_max``; what they do not name well is as if it was not set."""
    lowest = VERSIONS.get(settings.tls_version_min, TlsVersion.TLS_1_2)
    highest = VERSIONS.get(settings.tls_version_max, TlsVersion.TLS_1_3)
    return lowest, max(lowest, highest)


def _of(one: DaemonSettings, kind: EapType) -> TunnelSettings:
    if kind == TTLS:
        return TunnelSettings(
            one.eap_ttls_fragment_size,
            one.eap_ttls_max_messages,
            one.eap_ttls_include_length,
            inner=_inner(one.eap_ttls_method),
            peer_auth=one.eap_ttls_peer_auth,
            unfit=_unfit(one.eap_ttls_tnc),
        )
    if kind == PEAP:
        return TunnelSettings(
            one.eap_peap_fragment_size,
            one.eap_peap_max_messages,
            one.eap_peap_include_length,
            inner=_inner(one.eap_peap_method),
            piggyback=one.eap_peap_piggyback,
            peer_auth=one.eap_peap_peer_auth,
            unfit=_unfit(one.eap_peap_tnc),
        )
    return TunnelSettings(one.eap_tls_fragment_size, one.eap_tls_max_messages, one.eap_tls_include_length)


def _inner(word: str) -> tuple[EapType, ...]:
    kind = inner_type(word) if word else None
    return INNER if kind is None else (kind,)


def _unfit(tnc: bool) -> str:
    return "TNC (phase2_tnc) is not part of this version" if tnc else ""
