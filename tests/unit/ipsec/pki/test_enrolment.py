"""``--est`` and ``--estca`` against a small EST server on this host (RFC 7030)."""

import http.server
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cygnet.ipsec.pki.main import main


class Lab:
    """A CA in files, and what the server shall do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, str, str]] = []
        self.pending = 0
        self.answer: tuple[int, bytes] | None = None
        self.run("ca.key", "--gen", "--type", "ecdsa", "--outform", "pem")
        self.run("ca.crt", "--self", "--in", "ca.key", "--dn", "CN=CA", "--ca", "--outform", "pem")
        self.run("tls.key", "--gen", "--type", "ecdsa", "--outform", "pem")
        self.issue("tls.crt", "tls.key", "CN=server", "--san", "localhost", "--san", "127.0.0.1")
        self.run("own.key", "--gen", "--type", "ecdsa", "--outform", "pem")
        self.run("own.req", "--req", "--in", "own.key", "--dn", "CN=own")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, output: str, *words: str, status: int = 0) -> None:
        known = {one.name for one in self.folder.iterdir()}
        arguments = [self.path(word) if word in known else word for word in words]
        capture = Output()
        with capture:
            assert main(arguments) == status, capture.error()
        self.error = capture.error()
        if output and status == 0:
            (self.folder / output).write_bytes(capture.octets())

    def issue(self, output: str, key: str, dn: str, *more: str) -> None:
        words = ("--issue", "--type", "priv", "--in", key, "--cacert", "ca.crt", "--cakey", "ca.key")
        self.run(output, *words, "--dn", dn, "--outform", "pem", *more)

    def certificate(self, name: str) -> x509.Certificate:
        data = (self.folder / name).read_bytes()
        return (
            x509.load_pem_x509_certificate(data) if b"BEGIN" in data else x509.load_der_x509_certificate(data)
        )

    def handle(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, bytes, str]:
        """Status, body and Retry-After."""
        self.requests.append((method, path, authorization))
        if self.answer is not None:
            return (*self.answer, "")
        if self.pending:
            self.pending -= 1
            return 202, b"", "0"
        found = [self.certificate("ca.crt")]
        if path.endswith("enroll"):
            (self.folder / "asked.req").write_bytes(b64decode(body))
            self.run("made.crt", "--issue", "--type", "pkcs10", "--in", "asked.req", "--cacert", "ca.crt",
                     "--cakey", "ca.key")  # fmt: skip
            found = [self.certificate("made.crt")]
        return 200, b64encode(pkcs7.serialize_certificates(found, Encoding.DER)), ""


class Output:
    """Standard output and error of a command that runs in this process."""

    def __enter__(self) -> "Output":
        import io
        import sys

        self._streams = sys.stdout, sys.stderr
        self._octets, self._error = io.BytesIO(), io.StringIO()
        sys.stdout = io.TextIOWrapper(self._octets, write_through=True)
        sys.stderr = self._error
        return self

    def __exit__(self, *failure: object) -> None:
        import sys

        sys.stdout.flush()
        self._kept = sys.stdout
        sys.stdout, sys.stderr = self._streams

    def octets(self) -> bytes:
        return self._octets.getvalue()

    def error(self) -> str:
        return self._error.getvalue()


@contextmanager
def server(lab: Lab) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, octets, after = lab.handle(
                self.command, self.path, self.headers.get("Authorization") or "", body
            )
            self.send_response(status)
            if after:
                self.send_header("Retry-After", after)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.path("tls.crt"), lab.path("tls.key"))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(lab.path("ca.crt"))
    made = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{made.server_port}"
    finally:
        made.shutdown()
        made.server_close()
        thread.join(5)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


EST = ("--est", "--in", "own.req", "--cacert", "ca.crt", "--interval", "0")


def test_request_becomes_a_certificate(lab: Lab) -> None:
    lab.pending = 2
    with server(lab) as url:
        lab.run("own.crt", *EST, "--url", url, "--label", "lab", "--userpass", "me:secret")
    made = lab.certificate("own.crt")
    assert made.subject.rfc4514_string() == "CN=own"
    assert len(lab.requests) == 3
    assert lab.requests[0] == (
        "POST", "/.well-known/est/lab/simpleenroll", "Basic " + b64encode(b"me:secret").decode(),
    )  # fmt: skip


def test_old_certificate_renews(lab: Lab) -> None:
    lab.issue("old.crt", "own.key", "CN=own")
    with server(lab) as url:
        lab.run("own.crt", *EST, "--url", url, "--cert", "old.crt", "--key", "own.key")
    assert lab.requests[0][1] == "/.well-known/est/simplereenroll"


def test_authorities_are_stored(lab: Lab) -> None:
    with server(lab) as url:
        words = ("--estca", "--url", url, "--cacert", "ca.crt")
        lab.run("got.crt", *words)
        assert lab.certificate("got.crt") == lab.certificate("ca.crt")
        out = lab.path("new.crt")
        lab.run("", *words, "--caout", out, "--outform", "pem")
        assert lab.certificate("new.crt") == lab.certificate("ca.crt")
        lab.run("", *words, "--caout", out, status=1)
        assert "--force replaces it" in lab.error
        lab.run("", *words, "--caout", out, "--force")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, b"no\x1b such template"), "the server answers 400 Bad Request: no  such template"),
        ((200, b"!!!"), "is no PKCS#7 with certificates"),
        ((200, b64encode(b"\x30\0")), "is no PKCS#7 with certificates"),
    ],
)
def test_refusal_is_told(lab: Lab, answer: tuple[int, bytes], words: str) -> None:
    lab.answer = answer
    with server(lab) as url:
        lab.run("", *EST, "--url", url, status=1)
    assert words in lab.error


def test_certificate_for_another_key_is_refused(lab: Lab) -> None:
    lab.answer = (200, b64encode(pkcs7.serialize_certificates([lab.certificate("ca.crt")], Encoding.DER)))
    with server(lab) as url:
        lab.run("", *EST, "--url", url, status=1)
    assert "no certificate for the key of the request" in lab.error


def test_server_of_another_ca_is_not_trusted(lab: Lab) -> None:
    lab.run("x.key", "--gen", "--type", "ecdsa")
    lab.run("x.crt", "--self", "--in", "x.key", "--dn", "CN=x", "--ca")
    with server(lab) as url:
        lab.run("", "--est", "--in", "own.req", "--cacert", "x.crt", "--url", url, status=1)
    assert "TLS: CERTIFICATE_VERIFY_FAILED" in lab.error
    assert lab.requests == []


def test_plain_http_is_refused(lab: Lab) -> None:
    lab.run("", *EST, "--url", "http://127.0.0.1/", status=1)
    assert "is no https URL" in lab.error


def test_waiting_has_an_end(lab: Lab) -> None:
    lab.answer = (202, b"")
    with server(lab) as url:
        words = ("--est", "--in", "own.req", "--cacert", "ca.crt", "--interval", "5", "--maxpolltime", "4")
        lab.run("", *words, "--url", url, status=1)
    assert "has not issued the certificate within 4 seconds" in lab.error
