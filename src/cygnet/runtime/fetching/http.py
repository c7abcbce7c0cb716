"""HTTP and HTTPS with a deadline for the whole of it, a limit in octets and few redirects."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urljoin

from cygnet.cert.revocation import FetchError
from cygnet.runtime.fetching.request import Deadline, Request, UnreachableError

SCHEMES = ("http", "https")
MAX_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Response:
    """A server's answer."""

    status: int
    reason: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """The first header of that name, empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def fetch(request: Request, deadline: Deadline, redirects: int = MAX_REDIRECTS) -> bytes:
    """The body of a successful answer; raises :class:`FetchError`."""
    response = exchange(request, deadline, redirects)
    if response.status != 200:
        raise FetchError(f"the server answers {response.status} {response.reason[:80]}".rstrip())
    return response.body


def exchange(
    request: Request,
    deadline: Deadline,
    redirects: int = MAX_REDIRECTS,
    context: ssl.SSLContext | None = None,
) -> Response:
    """The answer, whatever it is, behind at most ``redirects`` redirects; raises :class:`FetchError`."""
    for _ in range(redirects + 1):
        parts = request.split()
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise FetchError(f"'{request.uri[:120]}' is no http or https URI")
        response = _once(request, parts, deadline, context)
        location = response.header("Location")
        if response.status not in _MOVED or not location:
            return response
        request = replace(request, uri=urljoin(request.uri, location))
    raise FetchError(f"more than {redirects} redirects")


def _once(
    request: Request, parts: SplitResult, deadline: Deadline, context: ssl.SSLContext | None
) -> Response:
    connection = _connection(parts, deadline, context)
    try:
        connection.connect()
        with _cut_off(connection.sock, deadline):
            return _converse(connection, request, parts)
    except TimeoutError:
        raise deadline.passed() from None
    except ssl.SSLError as error:
        raise FetchError(f"TLS: {error.reason or error}") from None
    except OSError as error:
        deadline.left()
        raise UnreachableError(error.strerror or str(error)) from None
    except (HTTPException, ValueError) as error:
        deadline.left()
        raise FetchError(f"not HTTP: {type(error).__name__} {str(error)[:80]}".rstrip()) from None
    finally:
        connection.close()


def _converse(connection: HTTPConnection, request: Request, parts: SplitResult) -> Response:
    headers = {"Content-Type": request.content_type} if request.content_type else {}
    headers |= {"Connection": "close", "User-Agent": "cygnet", **dict(request.headers)}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET" if request.body is None else "POST", path, body=request.body, headers=headers)
    with connection.getresponse() as answer:
        body = _read(answer, request.max_octets)
        return Response(answer.status, answer.reason, body, tuple(answer.getheaders()))


@contextmanager
def _cut_off(sock: socket.socket, deadline: Deadline) -> Iterator[None]:
    """End the connection at the deadline whatever it does, so that a server that trickles holds nobody."""

    def cut() -> None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(deadline.left(), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
        deadline.left()
    finally:
        timer.cancel()


def _connection(parts: SplitResult, deadline: Deadline, context: ssl.SSLContext | None) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=deadline.left(), context=context)
    return HTTPConnection(host, parts.port, timeout=deadline.left())


def _read(answer: HTTPResponse, limit: int) -> bytes:
    found = bytearray()
    while chunk := answer.read1(_CHUNK):
        found += chunk
        if len(found) > limit:
            raise FetchError(f"the answer is longer than {limit} octets")
    if answer.length:
        raise FetchError(f"the answer is truncated: {answer.length} octets are missing")
    return bytes(found)
