"""The octets on ``charon.ctl``: one request, then reply frames until the last one.

A request is a 32-bit length and a JSON object whose ``kind`` names the message
(:mod:`cygnet.ctl.stroke`). A reply frame is one octet for its kind, a 32-bit length and its body. All
numbers are in network byte order.

This module is what a command that must answer in a tenth of a second imports, so it imports little; the
typed messages stand in :mod:`cygnet.ctl.stroke`.
"""

from collections.abc import Callable, Mapping

from cygnet.base.errors import CygnetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Stream(Protocol):
        """A connected, blocking stream socket."""

        def sendall(self, data: bytes, /) -> None:
            """Write everything, or raise ``OSError``."""

        def recv(self, limit: int, /) -> bytes:
            """What has arrived, at most ``limit`` octets; nothing at the end of the stream."""


REQUEST_LIMIT = 1 << 20
FRAME_LIMIT = 1 << 20
PIECE = 1 << 16
"""How many octets of an answer are read at once, at most."""

TEXT = b"T"
DONE = b"D"
PROMPT = b"P"  # asks for a passphrase without echo; answered with an ANSWER frame
ANSWER = b"A"
KINDS = (TEXT, DONE, PROMPT, ANSWER)


class ControlError(CygnetError):
    """What arrived on a control socket is no message: too long, cut short, or of an unknown form."""


def converse(
    stream: "Stream",
    kind: str,
    fields: Mapping[str, object],
    on_text: Callable[[str], None],
    on_prompt: Callable[[str], str] | None = None,
    on_wait: Callable[[], None] | None = None,
) -> tuple[int, str]:
    """Send one request and follow the answer to its end: the exit code and, after a failure, the reason.

    ``on_text`` gets each line without its newline; ``on_wait`` is called before each wait for more, when
    it is time to flush. Raises :class:`ControlError` if the daemon closes early or says what we do not
    understand, ``OSError`` if the socket fails.
    """
    stream.sendall(request_octets(kind, fields))
    buffered = Buffered(stream, on_wait)
    while True:
        frame, body = read_frame(buffered)
        if frame == DONE:
            return done_of(body)
        if frame == PROMPT:
            if on_wait is not None:
                on_wait()
            answer = on_prompt(_text(body)) if on_prompt else ""
            stream.sendall(frame_octets(ANSWER, answer.encode(errors="replace")))
        else:
            on_text(_text(body))


def conversation(kind: str, fields: Mapping[str, object]) -> Callable[..., tuple[int, str]]:
    """:func:`converse` with this request; what is left to say is the stream and the callbacks."""
    return lambda stream, *callbacks: converse(stream, kind, fields, *callbacks)


class Buffered:
    """Reads a stream in large pieces; ``on_wait`` is called before each of them."""

    def __init__(self, stream: "Stream", on_wait: Callable[[], None] | None = None) -> None:
        self._stream = stream
        self._on_wait = on_wait
        self._piece = b""
        self._place = 0

    def sendall(self, data: bytes, /) -> None:
        """Write everything, unbuffered."""
        self._stream.sendall(data)

    def recv(self, limit: int, /) -> bytes:
        """What has arrived, at most ``limit`` octets; nothing at the end of the stream."""
        if self._place == len(self._piece):
            if self._on_wait is not None:
                self._on_wait()
            self._piece, self._place = self._stream.recv(PIECE), 0
        begin, self._place = self._place, min(self._place + limit, len(self._piece))
        return self._piece[begin : self._place]


def request_octets(kind: str, fields: Mapping[str, object]) -> bytes:
    """A whole request, length included; raises :class:`ControlError` beyond 1 MiB."""
    import json

    body = json.dumps({"kind": kind, **fields}, separators=(",", ":")).encode()
    if len(body) > REQUEST_LIMIT:
        raise ControlError(f"request of {len(body)} octets is longer than {REQUEST_LIMIT}")
    return len(body).to_bytes(4, "big") + body


def read_request(stream: "Stream") -> dict[str, object]:
    """The next request's fields, ``kind`` among them; raises :class:`ControlError`."""
    import json

    body = _read(stream, _length(_read(stream, 4), REQUEST_LIMIT))
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ControlError(f"request is not JSON: {error}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise ControlError("request is not a JSON object with a kind")
    return fields


def frame_octets(kind: bytes, body: bytes) -> bytes:
    """A whole reply frame; a body beyond 1 MiB is cut."""
    body = body[:FRAME_LIMIT]
    return kind + len(body).to_bytes(4, "big") + body


def read_frame(stream: "Stream") -> tuple[bytes, bytes]:
    """The next reply frame's kind and body; raises :class:`ControlError`."""
    header = _read(stream, 5)
    if header[:1] not in KINDS:
        raise ControlError(f"reply frame of unknown kind {header[:1]!r}")
    return header[:1], _read(stream, _length(header[1:], FRAME_LIMIT))


def done_octets(exit_code: int, reason: str) -> bytes:
    """The last frame of an answer."""
    return frame_octets(DONE, (exit_code & 0xFF).to_bytes(1, "big") + reason.encode(errors="replace"))


def done_of(body: bytes) -> tuple[int, str]:
    """Exit code and reason of a DONE frame's body; raises :class:`ControlError`."""
    if not body:
        raise ControlError("last frame without an exit code")
    return body[0], _text(body[1:])


def _read(stream: "Stream", size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = stream.recv(min(size, PIECE))
        if not part:
            raise ControlError("the daemon ended the connection before its answer was complete")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _length(octets: bytes, limit: int) -> int:
    length = int.from_bytes(octets, "big")
    if length > limit:
        raise ControlError(f"message of {length} octets is longer than {limit}")
    return length


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
