"""The client's side of pluto's socket: one message, then lines until the empty one."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cygnet.ctl.frames import Buffered, ControlError
from cygnet.ctl.whack import Request
from cygnet.ctl.whack_codes import Rc, code_of, exit_status
from cygnet.ctl.whack_framing import encode

if TYPE_CHECKING:
    from cygnet.ctl.frames import Stream

LINE_LIMIT = 1 << 16

OnText = Callable[[str], None]
OnPrompt = Callable[[str], str]
Talk = Callable[["Stream", OnText, OnPrompt, Callable[[], None]], tuple[int, str]]


def conversation(requests: Iterable[Request], label: str = "") -> Talk:
    """Says all requests in one message and follows the answer (``runtime.client.ask``).

    Each line goes to the callback as it came, with ``label`` before it; the exit code is that of the last
    significant line.
    """
    chosen = tuple(requests)

    def talk(
        stream: "Stream", on_text: OnText, on_prompt: OnPrompt, on_wait: Callable[[], None]
    ) -> tuple[int, str]:
        stream.sendall(encode(chosen))
        status = 0
        reader = Buffered(stream, on_wait)
        while line := read_line(reader):
            code = code_of(line)
            status = exit_status((code,), status)
            if code == Rc.ENTER_SECRET:
                on_wait()
                stream.sendall(on_prompt(line[4:] + ": ").encode(errors="replace") + b"\n")
            else:
                on_text(f"{label} {line}" if label else line)
        return status, ""

    return talk


def read_line(stream: "Stream") -> str:
    """The next line, without its newline; raises :class:`ControlError` if there is no whole one."""
    octets = bytearray()
    while (octet := stream.recv(1)) != b"\n":
        if not octet:
            raise ControlError("pluto ended the connection before its answer was complete")
        octets += octet
        if len(octets) > LINE_LIMIT:
            raise ControlError(f"a line of pluto's answer is longer than {LINE_LIMIT}")
    return octets.decode("utf-8", "replace")
