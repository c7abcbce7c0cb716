"""Restart policy, options, frames, loop, sockets."""

import socket
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.conf.settings import Settings, parse_settings
from cygnet.ctl import frames
from cygnet.starter import sockets
from cygnet.starter.answers import split_frame
from cygnet.starter.leftovers import clear_kernel
from cygnet.starter.loop import Loop
from cygnet.starter.options import Options, UsageError, parse_options
from cygnet.starter.restart import RestartPolicy


def test_first_deaths_are_answered_at_once_then_the_waiting_doubles_to_thirty_seconds():
    policy = RestartPolicy()
    assert [policy.delay_after(0.5) for _ in range(10)] == [0, 0, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_long_life_forgives_earlier_deaths():
    policy = RestartPolicy()
    for _ in range(6):
        policy.delay_after(0.5)
    assert policy.delay_after(3600) == 0
    assert policy.delay_after(0.5) == 0
    assert policy.delay_after(0.5) == 1


def test_options_are_those_of_ipsec_start():
    options = parse_options(
        ["--nofork", "--debug-more", "--conf", "/x", "--daemon", "charon", "--auto-update=60"]
    )
    assert options == Options(fork=False, level=3, conf="/x", auto_update_s=60)
    assert parse_options(["--conf=/y", "--nolog"]) == Options(level=-1, conf="/y")


@given(
    st.lists(
        st.sampled_from(["--conf", "--nofork", "--auto-update", "-1", "=", "--debug=3", "x"]), max_size=5
    )
)
def test_any_command_line_is_understood_or_refused(argv):
    try:
        parse_options(argv)
    except UsageError as error:
        assert str(error)


def test_frames_are_taken_off_as_they_become_whole():
    octets = frames.frame_octets(frames.TEXT, b"hello") + frames.done_octets(0, "")
    buffer = bytearray()
    taken = []
    for octet in octets:
        buffer.append(octet)
        if frame := split_frame(buffer):
            taken.append(frame)
    assert taken == [(frames.TEXT, b"hello"), (frames.DONE, b"\0")]
    assert not buffer


@given(st.binary(max_size=40))
def test_any_octets_are_frames_or_refused(octets):
    try:
        split_frame(bytearray(octets))
    except frames.ControlError as error:
        assert str(error)


def test_timers_fire_in_order_and_cancelled_ones_do_not():
    loop = Loop()
    fired: list[str] = []
    loop.later(0.02, lambda: (fired.append("last"), loop.stop()))
    loop.later(0.01, lambda: fired.append("second"))
    loop.later(0, lambda: fired.append("first"))
    loop.later(0.005, lambda: fired.append("never")).cancel()
    loop.run()
    loop.close()
    assert fired == ["first", "second", "last"]


def test_socket_that_another_callback_closed_is_not_called():
    loop = Loop()
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def take(number: int) -> None:
        called.append(number)
        for reader, writer in pairs:
            loop.forget(reader)
            reader.close()
            writer.close()
        loop.stop()

    for number, (reader, writer) in enumerate(pairs):
        writer.send(b"x")
        loop.watch(reader, partial(take, number))
    loop.run()
    loop.close()
    assert len(called) == 1


class OneFile:
    """A reader with one text under every name."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> str:
        return self.text

    def glob(self, pattern: str, relative_to: str) -> list[str]:
        return []


def settings(text: str) -> Settings:
    return parse_settings("strongswan.conf", OneFile(text))


@pytest.mark.parametrize("choice", ["udp", "raw"])
def test_no_sockets_are_opened_where_daemons_open_their_own(choice):
    groups, reason = sockets.open_sockets(settings(f"charon {{ socket = {choice} }}"), with_espd=True)
    assert groups.members == {}
    assert choice in reason


def test_ports_are_charon_s_alone_where_the_kernel_does_esp():
    ports = "charon { port = 0\n port_nat_t = 0 }"
    groups, _ = sockets.open_sockets(settings(ports), with_espd=False)
    try:
        assert set(groups.members) == {"charon"}
    finally:
        groups.close()


@pytest.mark.parametrize(("choice", "espd"), [("userland", True), ("xfrm", False)])
def test_espd_is_started_where_it_is_asked_for(choice, espd):
    wanted = sockets.wants_espd(settings(f"charon {{ kernel = {choice} }}"))
    assert wanted == (espd, f"charon.kernel = {choice}")


def test_espd_is_started_unless_the_kernel_has_ipsec():
    wanted, why = sockets.wants_espd(settings(""))
    assert wanted != why.endswith("the kernel has XFRM")


def test_kernel_is_not_asked_when_charon_ended_in_order(tmp_path):
    lines = []
    file = tmp_path / "charon.xfrm"
    clear_kernel("charon", file, 220, 220, lambda level, text: lines.append(text))
    file.write_text("123\n")
    clear_kernel("charon", file, 220, 220, lambda level, text: lines.append(text))
    assert (lines, file.read_text()) == ([], "123\n")


def test_sockets_are_opened_for_every_daemon_and_described_to_it():
    ports = "charon { port = 0\n port_nat_t = 0 }"
    groups, reason = sockets.open_sockets(settings(ports), with_espd=True)
    try:
        assert reason == ""
        assert {"ike4", "natt4"} <= set(groups.members["charon"])
        assert set(groups.members["espd"]) <= {"esp4", "esp6"}
    finally:
        groups.close()


@pytest.mark.parametrize(("choice", "expected"), [("userland", True), ("xfrm", False)])
def test_data_plane_is_the_one_chosen(choice, expected):
    assert sockets.wants_espd(settings(f"charon {{ kernel = {choice} }}"))[0] is expected
