"""``--est`` and ``--estca``: certificates from a server over HTTPS (RFC 7030)."""

import ssl
import tempfile
import time
from argparse import ArgumentParser, Namespace
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cygnet.cert.revocation import FetchError
from cygnet.ipsec.pki import keys, loading, options
from cygnet.ipsec.pki.errors import PkiError
from cygnet.runtime.fetching.http import Response, exchange
from cygnet.runtime.fetching.request import Deadline, Request

TIMEOUT_S = 30.0
MAX_ANSWER = 1 << 20
MAX_POLLS = 10_000
ACCEPTED = 202


def enrol(chosen: Namespace) -> bytes:
    """The certificate for a PKCS#10 request, asked for until it is there."""
    request = loading.request(options.read_input(chosen.input))
    if bool(chosen.cert) != bool(chosen.key):
        raise PkiError("to renew a certificate, name both it (--cert) and its key (--key)")
    operation = "simplereenroll" if chosen.cert else "simpleenroll"
    body = b64encode(request.public_bytes(Encoding.DER))
    headers = _authorization(chosen.userpass)
    ask = Request(_url(chosen, operation), body, "application/pkcs10", MAX_ANSWER, headers)
    with _context(chosen.cacert, chosen.cert, chosen.key) as context:
        found = _certificates(_polled(ask, context, chosen))
    key = request.public_key()
    for one in found:
        if one.public_key() == key:
            return one.public_bytes(keys.ENCODINGS[chosen.outform])
    raise PkiError("the server's answer holds no certificate for the key of the request")


def authorities(chosen: Namespace) -> bytes:
    """The server's CA certificates; with ``--caout`` each in a file of its own."""
    with _context(chosen.cacert, None, None) as context:
        found = _certificates(_asked(Request(_url(chosen, "cacerts"), max_octets=MAX_ANSWER), context))
    form = keys.ENCODINGS[chosen.outform]
    if not chosen.caout:
        return b"".join(one.public_bytes(form) for one in found)
    roots = [one for one in found if one.subject == one.issuer]
    others = [one for one in found if one.subject != one.issuer]
    for path, one in (*_numbered(chosen.caout, roots), *_numbered(chosen.caout, others, 1)):
        if path.exists() and not chosen.force:
            raise PkiError(f"'{path}' is there already; --force replaces it")
        path.write_bytes(one.public_bytes(form))
    return b""


def _numbered(
    template: str, found: list[x509.Certificate], first: int = 0
) -> Iterator[tuple[Path, x509.Certificate]]:
    """``ca.pem`` for the first root, ``ca-1.pem`` for the first of the others."""
    base = Path(template)
    for number, one in enumerate(found, first):
        yield (base.with_name(f"{base.stem}-{number}{base.suffix}") if number else base), one


def _polled(request: Request, context: ssl.SSLContext, chosen: Namespace) -> Response:
    """Ask again while the server says that it takes time (RFC 7030, 4.2.3)."""
    waited = 0.0
    for _ in range(MAX_POLLS):
        response = _asked(request, context, (200, ACCEPTED))
        if response.status != ACCEPTED:
            return response
        after = response.header("Retry-After")
        pause = float(after) if after.isdigit() else float(chosen.interval)
        waited += pause
        if chosen.maxpolltime and waited > chosen.maxpolltime:
            break
        time.sleep(pause)
    raise PkiError(f"the server has not issued the certificate within {chosen.maxpolltime} seconds")


def _asked(request: Request, context: ssl.SSLContext, good: tuple[int, ...] = (200,)) -> Response:
    try:
        response = exchange(request, Deadline.after(TIMEOUT_S), 0, context)
    except FetchError as error:
        raise PkiError(f"{request.uri}: {error}") from None
    if response.status not in good:
        text = response.body[:200].decode("utf-8", "replace").strip()
        shown = "".join(char if char.isprintable() else " " for char in text)
        reason = f"{response.status} {response.reason[:80]}".strip()
        raise PkiError(f"{request.uri}: the server answers {reason}{': ' + shown if shown else ''}")
    return response


def _certificates(response: Response) -> list[x509.Certificate]:
    """A certs-only PKCS#7 in Base64 (RFC 7030, 4.1.3)."""
    try:
        return list(pkcs7.load_der_pkcs7_certificates(b64decode(response.body)))
    except (ValueError, Base64Error) as error:
        text = str(error).partition("\n")[0][:120]
        raise PkiError(f"the server's answer is no PKCS#7 with certificates ({text})") from None


def _url(chosen: Namespace, operation: str) -> str:
    url = chosen.url.rstrip("/")
    if urlsplit(url).scheme != "https":
        raise PkiError(f"'{url}' is no https URL, which EST needs (RFC 7030, 3.3)")
    label = f"/{quote(chosen.label)}" if chosen.label else ""
    return f"{url}/.well-known/est{label}/{operation}"


def _authorization(userpass: str | None) -> tuple[tuple[str, str], ...]:
    if not userpass:
        return ()
    return (("Authorization", "Basic " + b64encode(userpass.encode()).decode()),)


@contextmanager
def _context(cacerts: list[str], cert: str | None, key: str | None) -> Iterator[ssl.SSLContext]:
    """TLS that trusts these CAs only, and shows the old certificate where one is renewed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in cacerts:
        pem = loading.certificate(Path(path).read_bytes()).public_bytes(Encoding.PEM)
        context.load_verify_locations(cadata=pem.decode())
    if not cert or not key:
        yield context
        return
    with tempfile.TemporaryDirectory() as folder:  # of this user alone: the module ssl reads files only
        chain, private = Path(folder, "cert.pem"), Path(folder, "key.pem")
        chain.write_bytes(loading.certificate(Path(cert).read_bytes()).public_bytes(Encoding.PEM))
        private.touch(0o600)
        private.write_bytes(keys.encode_private(keys.load_private(Path(key).read_bytes()), "pem"))
        try:
            context.load_cert_chain(chain, private)
        except ssl.SSLError as error:
            raise PkiError(f"the certificate {cert} and the key {key}: {error.reason}") from None
        yield context


def _server_options(parser: ArgumentParser) -> None:
    parser.add_argument("--url", "-u", required=True, metavar="url", help="URL of the EST server")
    parser.add_argument("--label", "-l", metavar="label", help="label in the EST server path")


def enrol_options(parser: ArgumentParser) -> None:
    """``--est``."""
    _server_options(parser)
    options.add_input(parser, "PKCS#10 input file")
    parser.add_argument(
        "--cacert", "-C", action="append", required=True, metavar="file", help="CA certificate(s)"
    )
    parser.add_argument("--cert", "-c", metavar="file", help="old certificate about to be renewed")
    parser.add_argument("--key", "-k", metavar="file", help="old private key about to be replaced")
    parser.add_argument(
        "--userpass", "-p", metavar="username:password", help="username:password for http basic auth"
    )
    parser.add_argument(
        "--interval", "-t", type=int, default=60, metavar="time", help="poll interval, default: 60s"
    )
    parser.add_argument(
        "--maxpolltime", "-m", type=int, default=0, metavar="time",
        help="maximum poll time, default: 0 (no limit)",
    )  # fmt: skip
    options.add_output(parser, "stored certificates")


def authorities_options(parser: ArgumentParser) -> None:
    """``--estca``."""
    _server_options(parser)
    parser.add_argument(
        "--cacert", "-C", action="append", required=True, metavar="file", help="TLS CA certificate(s)"
    )
    parser.add_argument("--caout", "-c", metavar="file", help="CA certificate [template]")
    options.add_output(parser, "stored certificates")
    parser.add_argument("--force", "-F", action="store_true", help="force overwrite of existing files")
