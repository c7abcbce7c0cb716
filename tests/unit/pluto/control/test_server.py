"""The way back to a client of whack's socket."""

import socket
from collections.abc import Iterator

import pytest

from cygnet.pluto.control.server import ClientReply, Limits
from cygnet.runtime.control_socket import ClientGoneError

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, client = socket.socketpair()
    yield ours, client
    ours.close()
    client.close()


def test_secret_is_asked_for_by_its_code(ends: Ends) -> None:
    ours, client = ends
    client.sendall(b"what carol knows\n")
    assert ClientReply(ours, Limits()).ask("Password of 'carol'") == "what carol knows"
    assert client.recv(100) == b"040 Password of 'carol'\n"


def test_client_that_goes_instead_of_answering_is_gone(ends: Ends) -> None:
    ours, client = ends
    client.close()
    with pytest.raises(ClientGoneError):
        ClientReply(ours, Limits()).ask("Password")


def test_client_that_never_answers_is_not_waited_for(ends: Ends) -> None:
    with pytest.raises((ClientGoneError, OSError)):
        ClientReply(ends[0], Limits(secret_s=0.01)).ask("Password")
