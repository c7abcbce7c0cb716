"""Lets our own trust chain decide inside OpenSSL's handshake.

OpenSSL is given no trust anchor and no clock of its own. It collects the certificates and calls back for each
objection it has; those about missing anchors and times are ours to judge, any other stands. Verifying during
the handshake, rather than after it, makes OpenSSL tell the other side by an alert.
"""

import datetime as dt

from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate

from cygnet.base.errors import CygnetError
from cygnet.eap.ports import CertificateCheck

MAX_DEPTH = 10

_CODES = SSL.X509VerificationCodes
_OURS_TO_JUDGE = frozenset(
    (
        _CODES.OK,
        _CODES.ERR_UNABLE_TO_GET_ISSUER_CERT,
        _CODES.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        _CODES.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        _CODES.ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        _CODES.ERR_SELF_SIGNED_CERT_IN_CHAIN,
        _CODES.ERR_CERT_NOT_YET_VALID,
        _CODES.ERR_CERT_HAS_EXPIRED,
    )
)
_KEY_TOO_SMALL, _CA_KEY_TOO_SMALL, _HASH_TOO_WEAK = 66, 67, 68
_WORDS = {
    _KEY_TOO_SMALL: "its key is too short",
    _CA_KEY_TOO_SMALL: "the key of one of its CAs is too short",
    _HASH_TOO_WEAK: "it is signed with a hash that is too weak",
    _CODES.ERR_INVALID_PURPOSE: "its extended key usage does not allow this end of TLS",
    _CODES.ERR_CERT_SIGNATURE_FAILURE: "a signature in its chain is wrong",
    _CODES.ERR_CERT_CHAIN_TOO_LONG: f"its chain is longer than {MAX_DEPTH}",
    _CODES.ERR_INVALID_CA: "one of its issuers is not a CA",
    _CODES.ERR_PATH_LENGTH_EXCEEDED: "a CA's path length is exceeded",
    _CODES.ERR_UNHANDLED_CRITICAL_EXTENSION: "a critical extension is not known",
}
_BEFORE_ANY_CERTIFICATE = dt.datetime(1900, 1, 1)


class Verification:
    """Collects the certificates of one handshake and has ``check`` judge them, once."""

    def __init__(self, check: CertificateCheck) -> None:
        self.chain: tuple[bytes, ...] = ()
        self.passed = False
        self.reason = ""
        self._check = check
        self._seen: dict[int, X509] = {}
        self._bug: Exception | None = None

    def install(self, context: SSL.Context) -> None:
        """Makes ``context`` demand a certificate and ask us about it.

        The time it is told makes it object to every certificate as not yet valid, the leaf last. A verdict
        given on that objection, and not on the silent call after it, reaches the other side as
        bad_certificate instead of internal_error.
        """
        store = context.get_cert_store()
        assert store is not None
        store.set_time(_BEFORE_ANY_CERTIFICATE)
        context.set_verify_depth(MAX_DEPTH)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._callback)

    def raise_bug(self) -> None:
        """Raises what ``check`` raised that was no verdict."""
        if self._bug is not None:
            raise self._bug

    def _callback(self, _: SSL.Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
        if not ok and error not in _OURS_TO_JUDGE:
            self.reason = f"certificate refused: {_words(error)}"
            return False
        self._seen[depth] = certificate
        if depth == 0 and not self.passed and (ok or error == _CODES.ERR_CERT_NOT_YET_VALID):
            self._judge()
        return not self.reason

    def _judge(self) -> None:
        # OpenSSL reads more leniently than our parser, so the octets go there unread.
        self.chain = tuple(dump_certificate(FILETYPE_ASN1, self._seen[depth]) for depth in sorted(self._seen))
        try:
            self._check(self.chain)
        except CygnetError as error:
            self.reason = str(error)
        except Exception as error:
            # Through OpenSSL no exception can travel; the session has it raised once OpenSSL has returned.
            self._bug = error
            self.reason = "internal error"
        else:
            self.passed = True


def _words(error: int) -> str:
    """OpenSSL's name of an error where we have no words of our own."""
    names = (name for name, value in vars(_CODES).items() if value == error and name.startswith("ERR_"))
    name = next(names, f"ERR_{error}").removeprefix("ERR_")
    return _WORDS.get(error, f"OpenSSL says {name.replace('_', ' ').lower()}")
