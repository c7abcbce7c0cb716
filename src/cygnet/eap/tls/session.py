"""One TLS session over memory: octets in, octets out (OpenSSL through pyOpenSSL).

Randomness is OpenSSL's own; nothing else of the machine is touched. A session has a context of its own, so
that none can be resumed (RFC 9190, 2.1.2): every conversation proves everything.
"""

from cryptography.x509 import load_der_x509_certificate
from OpenSSL import SSL

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapConfigError
from cygnet.eap.tls.options import TlsOptions, TlsVersion
from cygnet.eap.tls.verification import Verification

MAX_PLAINTEXT = 0x10000

_READ = 0x4000


class TlsSession:
    """``feed`` what came, then ``drain`` what is to be sent; ``failure`` says why no more can come of it."""

    def __init__(self, options: TlsOptions, server: bool) -> None:
        self.failure = ""
        self.finished = False
        self._verification = None if options.verify is None else Verification(options.verify)
        try:
            self._connection = SSL.Connection(_context(options, self._verification), None)
        except (SSL.Error, ValueError, TypeError) as error:
            raise EapConfigError(f"TLS cannot be set up: {_words(error)}") from error
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()

    @property
    def version(self) -> int:
        """The version agreed upon; meaningful once finished."""
        return self._connection.get_protocol_version()

    @property
    def is_tls13(self) -> bool:
        """Whether it is TLS 1.3 (or newer)."""
        return self.version >= TlsVersion.TLS_1_3

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The other side's certificates (DER, leaf first), if it was asked for any."""
        return self._verification.chain if self._verification else ()

    def feed(self, octets: bytes) -> bytes:
        """Takes records, goes on with the handshake, and returns what came inside."""
        if self.failure:
            return b""
        try:
            if octets:
                self._connection.bio_write(octets)
            if not self.finished:
                self._connection.do_handshake()
                self._finish()
            return self._read() if self.finished else b""
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.failure = "the other side closed the TLS session"
        except SSL.Error as error:
            self._fail(error)
        return b""

    def write(self, plaintext: bytes) -> None:
        """Encrypts octets for the next ``drain``."""
        self._connection.sendall(plaintext)

    def drain(self) -> bytes:
        """The records that are to be sent."""
        octets = b""
        try:
            while True:
                octets += self._connection.bio_read(_READ)
        except SSL.WantReadError:
            return octets

    def export(self, label: str, size: int, context: bytes | None = None) -> Secret:
        """Keying material of RFC 5705, or RFC 8446, 7.5."""
        return Secret(self._connection.export_keying_material(label.encode(), size, context))

    def _finish(self) -> None:
        """Whatever ciphers were configured: without a certificate that passed there is no session."""
        if self._verification is None or self._verification.passed:
            self.finished = True
        else:
            self.failure = "TLS: the other side has proven no certificate"

    def _read(self) -> bytes:
        """All there is, up to the limit."""
        plaintext = b""
        try:
            while len(plaintext) <= MAX_PLAINTEXT:
                plaintext += self._connection.recv(_READ)
        except SSL.WantReadError:
            return plaintext
        self.failure = f"TLS: more than {MAX_PLAINTEXT} octets at once"
        return b""

    def _fail(self, error: SSL.Error) -> None:
        if self._verification is not None:
            self._verification.raise_bug()
        reason = self._verification.reason if self._verification else ""
        self.failure = reason or _words(error)


def _context(options: TlsOptions, verification: Verification | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(options.version_min)
    context.set_max_proto_version(options.version_max)
    context.set_cipher_list(options.ciphers.encode())
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    if options.own is not None:
        leaf, *others = map(load_der_x509_certificate, options.own.chain)
        context.use_certificate(leaf)
        context.use_privatekey(options.own.key)
        context.check_privatekey()
        for certificate in others:
            context.add_extra_chain_cert(certificate)
    for authority in options.authorities:
        context.add_client_ca(load_der_x509_certificate(authority))
    if verification is not None:
        verification.install(context)
    return context


def _words(error: Exception) -> str:
    """OpenSSL's reason; that of an alert is the other side's."""
    queue = error.args[0] if error.args else ""
    if not isinstance(queue, list) or not queue:
        return f"TLS: {error.args[-1] if error.args else 'failed'}"
    reason = str(queue[-1][-1])
    before, alert, text = reason.partition("alert ")
    if alert and "unexpected" not in before:
        return f"the other side refuses TLS: {text}"
    return f"TLS: {reason}"
