"""Keys from a TLS session (RFC 5216, 2.3; RFC 5281, 8; RFC 9190, 2.3; RFC 9427, 2.1)."""

from cygnet.base.secret import Secret
from cygnet.eap.packets import PEAP, TLS, TTLS, EapType
from cygnet.eap.tls.session import TlsSession

SIZE = 64

_TLS13_LABEL = "EXPORTER_EAP_TLS_Key_Material"
_TLS12_LABELS = {
    TLS: "client EAP encryption",
    TTLS: "ttls keying material",
    PEAP: "client EAP encryption",
}
_CHALLENGE_LABEL = "ttls challenge"


def session_keys(session: TlsSession, type: EapType) -> tuple[Secret, Secret]:
    """MSK and EMSK. Under TLS 1.3 the length is part of the derivation, so both come from one export."""
    if session.is_tls13:
        material = session.export(_TLS13_LABEL, 2 * SIZE, bytes([type.number]))
    else:
        material = session.export(_TLS12_LABELS[type], 2 * SIZE)
    octets = material.reveal()
    return Secret(octets[:SIZE]), Secret(octets[SIZE:])


def implicit_challenge(session: TlsSession, size: int) -> bytes:
    """The challenge that neither side of EAP-TTLS can choose (RFC 5281, 11.1; RFC 9427, 2.4)."""
    return session.export(_CHALLENGE_LABEL, size).reveal()
