"""The stroke socket: real sockets, one request each, limits, clients that misbehave."""

import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cygnet.base.errors import LocalError
from cygnet.charon.control.dispatch import Handler
from cygnet.charon.control.ports import Reply
from cygnet.charon.control.server import Limits, stroke_server
from cygnet.ctl.frames import converse
from cygnet.ctl.stroke import Done, Initiate, Request, Status
from cygnet.keying.control import ControlServer
from cygnet.runtime.control_socket import ClientGoneError, listen

LONG_S = 10.0


def test_one_request_is_answered_over_one_connection(serve: "Serve") -> None:
    def handler(request: Status, reply: Reply) -> Done:
        reply.text(f"name {request.name}")
        return Done(3, "because")

    path = serve({Status: handler})
    assert ask(path, Status("net")) == (["name net"], Done(3, "because"))
    assert ask(path, Status("lan")) == (["name lan"], Done(3, "because"))


def test_socket_is_for_its_owner_only(serve: "Serve") -> None:
    assert stat.S_IMODE(serve({}).stat().st_mode) == 0o600


def test_group_may_use_the_socket_if_configured(tmp_path: Path) -> None:
    path = tmp_path / "ctl"
    with listen(path, group_id=path.parent.stat().st_gid):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "ctl"
    listen(path).close()
    with listen(path), pytest.raises(LocalError, match="in use"):
        listen(path)


def test_closed_server_leaves_no_socket_behind(serve: "Serve") -> None:
    path = serve({})
    serve.servers.pop().close()
    assert not path.exists()


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="nowhere"):
        listen(tmp_path / "nowhere" / "ctl")


def test_exception_in_a_handler_ends_that_command_only(serve: "Serve") -> None:
    def handler(request: Status, reply: Reply) -> Done:
        raise ZeroDivisionError("oops")

    path = serve({Status: handler})
    assert ask(path, Status())[1] == Done(1, "internal error: ZeroDivisionError('oops')")
    assert any("oops" in line for line in serve.log)
    assert ask(path, Status())[1].exit_code == 1


def test_local_error_of_a_handler_is_its_reason(serve: "Serve") -> None:
    def handler(request: Status, reply: Reply) -> Done:
        raise LocalError("the kernel has no ESP")

    assert ask(serve({Status: handler}), Status())[1] == Done(1, "the kernel has no ESP")


@pytest.mark.parametrize("octets", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\x11{\"kind\":\"nothing\"}"])
def test_request_that_is_none_is_a_usage_error(serve: "Serve", octets: bytes) -> None:
    with connect(serve({})) as client:
        client.sendall(octets)
        client.settimeout(LONG_S)
        assert client.recv(6)[5] == 2


def test_client_that_says_nothing_loses_its_place(serve: "Serve") -> None:
    path = serve({Status: lambda request, reply: Done()}, Limits(clients=1, request_s=0.05))
    with connect(path) as silent:
        assert ask(path, Status())[1] == Done()
        silent.settimeout(LONG_S)
        assert silent.recv(1) == b""


def test_client_that_only_looks_is_nothing_to_log(serve: "Serve") -> None:
    path = serve({Status: lambda request, reply: Done()}, Limits(clients=1))
    connect(path).close()
    assert ask(path, Status())[1] == Done()  # the place of the one before is free: it is dealt with
    assert [line for line in serve.log if "refused" in line or "gone" in line] == []


def test_status_is_answered_while_every_place_for_up_is_taken(serve: "Serve") -> None:
    entered, leave = threading.Event(), threading.Event()

    def initiate(request: Initiate, reply: Reply) -> Done:
        entered.set()
        leave.wait(LONG_S)
        return Done()

    path = serve({Initiate: initiate, Status: lambda request, reply: Done()}, Limits(initiating=1))
    first = begin(path, Initiate("a"))
    assert entered.wait(LONG_S)
    second = begin(path, Initiate("b"))
    assert ask(path, Status())[1] == Done()
    leave.set()
    assert first() == second() == Done()


def test_handler_learns_that_its_client_has_gone(serve: "Serve") -> None:
    entered, gone = threading.Event(), threading.Event()

    def handler(request: Status, reply: Reply) -> Done:
        entered.set()
        try:
            while True:
                reply.check()
        except ClientGoneError:
            gone.set()
            raise

    client = connect(serve({Status: handler}))
    client.sendall(b"\0\0\0\x11{\"kind\":\"status\"}")
    assert entered.wait(LONG_S)
    client.close()
    assert gone.wait(LONG_S)


def test_silent_client_that_listens_is_not_gone(serve: "Serve") -> None:
    def handler(request: Status, reply: Reply) -> Done:
        reply.text("line")
        reply.check()
        return Done()

    lines, done = ask(serve({Status: handler}, Limits(write_s=0.2)), Status())
    assert (lines, done) == (["line"], Done())


def test_many_lines_travel_together_and_in_order(serve: "Serve") -> None:
    def handler(request: Status, reply: Reply) -> Done:
        reply.texts(f"line {number}" for number in range(20_000))
        reply.text("last")
        return Done()

    lines, done = ask(serve({Status: handler}), Status())
    assert lines == [*(f"line {number}" for number in range(20_000)), "last"]
    assert done == Done()


def test_client_that_goes_away_ends_a_long_answer(serve: "Serve") -> None:
    gone = threading.Event()

    def endless() -> Iterator[str]:
        while True:
            yield "x" * 1000

    def handler(request: Status, reply: Reply) -> Done:
        try:
            reply.texts(endless())
        except ClientGoneError:
            gone.set()
            raise
        return Done()

    with connect(serve({Status: handler})) as client:
        client.sendall(b"\0\0\0\x11{\"kind\":\"status\"}")
        assert client.recv(100)
    assert gone.wait(LONG_S)


def test_operator_is_asked_over_the_socket(serve: "Serve") -> None:
    def handler(request: Status, reply: Reply) -> Done:
        reply.text(f"got {reply.ask('Passphrase:')!r}")
        return Done()

    assert ask(serve({Status: handler}), Status())[0] == ["got 'my Passphrase:'"]


@pytest.mark.parametrize("answer", [b"", b"T\0\0\0\0", b"A\xff\xff\xff\xff"])
def test_operator_who_does_not_answer_in_time_or_in_form_is_gone(serve: "Serve", answer: bytes) -> None:
    gone = threading.Event()

    def handler(request: Status, reply: Reply) -> Done:
        try:
            reply.ask("Passphrase:")
        except ClientGoneError:
            gone.set()
            raise
        return Done()

    with connect(serve({Status: handler}, Limits(answer_s=0.1))) as client:
        client.sendall(b"\0\0\0\x11{\"kind\":\"status\"}")
        client.sendall(answer)
        assert gone.wait(LONG_S)


def test_client_that_does_not_read_is_given_up(serve: "Serve") -> None:
    gone = threading.Event()

    def handler(request: Status, reply: Reply) -> Done:
        try:
            while True:
                reply.text("x" * 60000)
        except ClientGoneError:
            gone.set()
            raise

    with connect(serve({Status: handler}, Limits(write_s=0.05))) as client:
        client.sendall(b"\0\0\0\x11{\"kind\":\"status\"}")
        assert gone.wait(LONG_S)


def ask(path: Path, request: Request) -> tuple[list[str], Done]:
    lines: list[str] = []
    with connect(path) as client:
        client.settimeout(LONG_S)
        ended = converse(client, request.kind, asdict(request), lines.append, lambda prompt: f"my {prompt}")
        return lines, Done(*ended)


def begin(path: Path, request: Request) -> Callable[[], Done]:
    """Ask on a thread; the result waits for the answer."""
    answers: list[Done] = []
    thread = threading.Thread(target=lambda: answers.append(ask(path, request)[1]))
    thread.start()

    def result() -> Done:
        thread.join(LONG_S)
        return answers[0]

    return result


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(path))
    return client


class Serve:
    """Starts servers and remembers what they log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[ControlServer] = []
        self.log: list[str] = []

    def __call__(self, handlers: Mapping[type[Any], Handler], limits: Limits = Limits()) -> Path:  # noqa: B008
        path = self.folder / f"ctl{len(self.servers)}"
        server = stroke_server(listen(path), handlers, limits, lambda level, line: self.log.append(line))
        self.servers.append(server)
        server.start()
        return path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    servers = Serve(tmp_path)
    yield servers
    for server in servers.servers:
        server.close()
