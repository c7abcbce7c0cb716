"""Fetching from servers on this host that answer well, badly, slowly or never."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cygnet.cert.revocation import FetchError
from cygnet.runtime.fetching.fetcher import Fetcher, FetchLimits
from cygnet.runtime.fetching.request import MAX_URI, Deadline, Request

QUICK = FetchLimits(timeout_s=5, failure_s=1000)
Script = Callable[[socket.socket], None]


@contextmanager
def server(script: Script) -> Iterator[tuple[str, list[bytes]]]:
    """Runs ``script`` for each connection; gives the URI and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                requests.append(client.recv(65536))
                with suppress(OSError):
                    script(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.crl", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def says(body: bytes, head: str = "200 OK", length: int | None = None, more: str = "") -> Script:
    size = len(body) if length is None else length
    octets = f"HTTP/1.1 {head}\r\nContent-Length: {size}\r\n{more}\r\n".encode() + body
    return lambda client: client.sendall(octets)


def silent(client: socket.socket) -> None:
    client.recv(1)


def trickles(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    stopped = threading.Event()
    while not stopped.wait(0.02):
        client.sendall(b"X: y\r\n")


def fetch(script: Script, request: Callable[[str], Request] = Request, seconds: float = 5) -> bytes:
    with server(script) as (uri, _):
        return Fetcher(QUICK).fetch(request(uri), Deadline.after(seconds))


def test_body_of_a_good_answer_is_fetched() -> None:
    assert fetch(says(b"a crl")) == b"a crl"


def test_post_carries_its_body_and_type() -> None:
    with server(says(b"answer")) as (uri, requests):
        assert Fetcher(QUICK).fetch(Request(uri, b"question", "application/ocsp-request")) == b"answer"
    assert requests[0].startswith(b"POST /a.crl HTTP/1.1\r\n")
    assert b"Content-Type: application/ocsp-request" in requests[0]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (says(b"", "404 Not Found"), "the server answers 404 Not Found"),
        (says(b"abc", length=10), "the answer is truncated: 7 octets are missing"),
        (says(bytes(2000)), "the answer is longer than 1000 octets"),
        (lambda client: client.sendall(b"garbage\r\n\r\n"), "not HTTP: BadStatusLine"),
        (lambda client: None, "Remote end closed connection"),
        (says(b"", "302 Found", more="Location: /a.crl\r\n"), "more than 5 redirects"),
        (says(b"", "302 Found", more="Location: file:///etc/passwd\r\n"), "is no http or https URI"),
    ],
    ids=["missing", "truncated", "oversized", "garbage", "closed", "loop", "downgrade"],
)
def test_bad_answer_is_an_error_with_the_reason(script: Script, words: str) -> None:
    with pytest.raises(FetchError, match=words.replace("?", r"\?")):
        fetch(script, lambda uri: Request(uri, max_octets=1000))


def test_redirect_is_followed() -> None:
    with server(says(b"there")) as (there, _):
        assert fetch(says(b"", "301 Moved", more=f"Location: {there}\r\n")) == b"there"


@pytest.mark.parametrize("script", [silent, trickles], ids=["silent", "trickling"])
def test_slow_server_delays_no_longer_than_the_deadline(script: Script) -> None:
    with pytest.raises(FetchError, match=r"no answer within 0.1 seconds"):
        fetch(script, seconds=0.1)


def test_dead_server_is_left_alone_for_a_while() -> None:
    now = [0.0]
    with server(says(b"", "500 Broken")) as (uri, requests):
        fetcher = Fetcher(FetchLimits(failure_s=30), lambda: now[0])
        for words in ("500 Broken", "not tried again for 30 seconds"):
            with pytest.raises(FetchError, match=words):
                fetcher.fetch(Request(uri))
        assert len(requests) == 1
        now[0] = 31
        with pytest.raises(FetchError, match="500 Broken"):
            fetcher.fetch(Request(uri))
        assert len(requests) == 2
        fetcher.forget_failures()
        with pytest.raises(FetchError, match="500 Broken"):
            fetcher.fetch(Request(uri))
        assert len(requests) == 3


def test_what_is_being_fetched_is_waited_for_not_fetched_again() -> None:
    release = threading.Event()

    def late(client: socket.socket) -> None:
        release.wait(5)
        says(b"once")(client)

    with server(late) as (uri, requests):
        fetcher = Fetcher(QUICK)
        found: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: found.append(fetcher.fetch(Request(uri)))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        release.set()
        for thread in threads:
            thread.join(5)
        assert found == [b"once"] * 4
        assert len(requests) <= 4


def test_no_more_than_a_few_run_at_a_time() -> None:
    release = threading.Event()
    with server(lambda client: silent(client) if not release.is_set() else None) as (uri, _):
        fetcher = Fetcher(FetchLimits(concurrent=1))
        first = threading.Thread(target=_ignore, args=(fetcher, f"{uri}?1"))
        first.start()
        while True:
            try:
                fetcher.fetch(Request(f"{uri}?2"), Deadline.after(0.05))
            except FetchError as error:
                if "1 fetches are under way already" in str(error):
                    break
        release.set()
        first.join(5)


def _ignore(fetcher: Fetcher, uri: str) -> None:
    with pytest.raises(FetchError):
        fetcher.fetch(Request(uri), Deadline.after(0.5))


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://127.0.0.1:1/", "refused"),
        ("ftp://x/", "only http, https, ldap, ldaps and file"),
        ("no uri", "not a URI"),
        ("http://[::1/", "not a URI"),
        ("http://x:99999999/", "not a URI"),
        ("http://x/" + "a" * MAX_URI, "not a URI"),
        ("file://elsewhere/a", "a file of another host"),
        ("file:///nowhere/at/all", "No such file"),
        ("file:///dev/zero", "is not a file"),
        ("ldap:///o=Lab", "an LDAP URI needs a host"),
    ],
)
def test_uri_that_leads_nowhere_is_an_error_with_the_reason(uri: str, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        Fetcher(QUICK).fetch(Request(uri))


def test_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a b.crl"
    path.write_bytes(b"12345")
    uri = path.as_uri()
    assert Fetcher(QUICK).fetch(Request(uri, max_octets=5)) == b"12345"
    with pytest.raises(FetchError, match="longer than 4 octets"):
        Fetcher(QUICK).fetch(Request(uri, max_octets=4))


def test_silent_server_is_left_alone_whatever_it_is_asked() -> None:
    with server(silent) as (uri, requests):
        fetcher = Fetcher(QUICK)
        with pytest.raises(FetchError, match=r"no answer within 0.1 seconds"):
            fetcher.fetch(Request(uri), Deadline.after(0.1))
        with pytest.raises(FetchError, match="not tried again"):
            fetcher.fetch(Request(uri + "/another", b"question"), Deadline.after(5))
        assert len(requests) == 1
