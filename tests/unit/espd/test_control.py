"""The control socket with its real client: espd without device and routes, in a thread."""

import os
import queue
import socket
import stat
import threading
from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.plane import DataPlane
from cygnet.espd.control import Control
from cygnet.espd.loop import READ, Loop
from cygnet.espd.service import DEFAULT_MTU, Service
from cygnet.kernel.backends.spi_stock import SPIS
from cygnet.kernel.backends.userland import EspdAccess, UserlandKernel, take_back_sockets
from cygnet.kernel.backends.userland_link import Link
from cygnet.kernel.backends.userland_wire import Acquire as AcquireEvent
from cygnet.kernel.backends.userland_wire import (
    AddPolicy,
    Bye,
    Failed,
    Follow,
    Greeting,
    HandOver,
    Hello,
    Inspect,
)
from cygnet.kernel.port import (
    Acquire,
    Direction,
    IpProtocol,
    KernelError,
    KernelReset,
    Mode,
    PolicySpec,
    SaId,
)

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
ANY = TrafficSelector.of("0.0.0.0/0")
POLICY = PolicySpec(Direction.OUT, ANY, ANY, Mode.TUNNEL, 1, A, B, trap=True)


class NoHost:
    def path_mtu(self, destination):
        return 1500

    def can_send(self, family, udp):
        return True

    def route_in(self, spec):
        return None

    def route_out(self, spec):
        return None

    def set_mtu(self, mtu):
        return None

    def route_lines(self):
        return []

    def lost(self):
        return {}


class Served:
    """An espd's control part on its own thread; ``call`` runs something on that thread."""

    def __init__(self, path, instance="one"):
        self.logged = []
        self.adopted, self.yielding = [], []
        self.loop = Loop(self.logged.append)
        self.service = Service(DataPlane(os.urandom), NoHost())
        self.control = Control(self.loop, self.service, instance, self._adopt)
        self.woken, self.waker = socket.socketpair()
        self.work = queue.Queue()
        self.loop.watch(self.woken, READ, self._work)
        self.control.listen(path)
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()

    def call(self, work):
        done = threading.Event()
        self.work.put((work, done))
        self.waker.send(b"x")
        assert done.wait(5)

    def stop(self):
        self.call(self.loop.stop)
        self.thread.join(5)
        self.control.close()
        self.loop.close()
        self.woken.close()
        self.waker.close()

    def _adopt(self, sockets, yields):
        self.adopted.append(sockets)
        self.yielding.append(yields)

    def _work(self, _):
        self.woken.recv(1)
        work, done = self.work.get()
        work()
        done.set()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "espd.sock"


@pytest.fixture
def served(path):
    running = Served(path)
    yield running
    running.stop()


@pytest.fixture
def kernel(path, served):
    heard = queue.Queue()
    client = UserlandKernel(EspdAccess(path, "charon"), lambda level, text: None)
    client.start(heard.put)
    client.heard = heard
    yield client
    client.close(flush=True)


def test_only_the_owner_of_the_socket_may_connect(path, served):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_requests_are_answered_and_refusals_raise(kernel):
    assert kernel.features.name == "userland"
    spi = kernel.allocate_spi(B, A, IpProtocol.ESP)
    assert kernel.inventory().reservations == SPIS
    kernel.delete_sa(SaId(B, A, IpProtocol.ESP, spi))
    assert kernel.inventory().reservations == SPIS - 1
    kernel.add_policy(POLICY)
    kernel.delete_policy(POLICY)
    with pytest.raises(KernelError, match="no policy"):
        kernel.delete_policy(POLICY)
    with pytest.raises(KernelError, match="no SA"):
        kernel.query_sa(SaId(B, A, IpProtocol.ESP, spi))


def many_policies() -> tuple[PolicySpec, ...]:
    selectors = [TrafficSelector.of(f"10.{n // 200}.{n % 200}.0/24") for n in range(700)]
    return tuple(PolicySpec(Direction.OUT, ANY, one, Mode.TUNNEL, 1, A, B) for one in selectors)


def test_more_policies_than_a_message_holds_are_installed_and_removed(kernel):
    policies = many_policies()
    kernel.install((), policies)
    assert kernel.inventory().total_policies == 700
    kernel.remove(policies, ())
    assert kernel.inventory().total_policies == 0


def test_refusal_in_a_later_message_takes_back_all(kernel):
    refused = replace(POLICY, action=Mode.IPTFS)
    with pytest.raises(KernelError):
        kernel.install((), (*many_policies(), refused))
    assert kernel.inventory().total_policies == 0


def test_requests_from_many_threads_get_their_own_answers(kernel):
    spis = []

    def allocate():
        spis.extend(kernel.allocate_spi(B, A, IpProtocol.ESP) for _ in range(20))

    threads = [threading.Thread(target=allocate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(spis)) == 80


def test_events_reach_the_owner(kernel, served):
    event = Acquire(1, ANY, ANY)
    served.call(lambda: served.control.tell([("nobody", event), ("charon", event)]))
    assert kernel.heard.get(timeout=5) == event
    assert isinstance(event, AcquireEvent)


def test_new_connection_of_an_owner_flushes_and_ends_the_old_one(served, path):
    first = Link(path, lambda event: None)  # a Link alone does not come back by itself, as a backend would
    first.greet("charon", False)
    first.ask(AddPolicy(POLICY))
    second = Link(path, lambda event: None)
    try:
        assert isinstance(second.greet("charon", True), Greeting)
        assert second.ask(Inspect()).total_policies == 0
        first.wait_closed()
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize(
    "request_", [Inspect(), Hello("", False), Hello("x", False, version=99), Follow("nobody")]
)
def test_bad_manners_are_refused(served, path, request_):
    link = Link(path, lambda event: None)
    try:
        assert isinstance(link.ask(request_), Failed)
    finally:
        link.close()


def test_goodbye_without_flush_keeps_everything(served, path):
    link = Link(path, lambda event: None)
    link.ask(Hello("pluto", False))
    link.ask(Bye(False))
    link.close()
    with pytest.raises(KernelError):
        link.ask(Inspect())


def test_sockets_are_handed_over(kernel, served):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        kernel.hand_over({"esp4": own.fileno()})
        [adopted] = served.adopted
        assert adopted["esp4"].getsockname() == own.getsockname()
        adopted["esp4"].close()


def test_sockets_are_taken_back(path, served):
    assert take_back_sockets(path)
    assert served.adopted == [{}]


def test_nothing_is_taken_back_where_no_espd_listens(tmp_path):
    assert not take_back_sockets(tmp_path / "none.sock")


@pytest.mark.parametrize("yields", [False, True])
def test_espd_is_told_whether_sockets_are_for_want_of_others(path, yields):
    served = Served(path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        access = EspdAccess(path, "pluto", {"esp4": own.fileno()}, yields=yields)
        client = UserlandKernel(access, lambda level, text: None)
        client.start(lambda event: None)
    assert served.yielding == [yields]
    client.close(False)
    served.stop()
    served.adopted[0]["esp4"].close()


def test_wrong_sockets_are_refused(kernel, path):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as own:
        with pytest.raises(KernelError, match="only sockets for UDP"):
            kernel.hand_over({"esp4": own.fileno()})
        link = Link(path, lambda event: None)
        assert isinstance(link.ask(HandOver(("esp4", "other")), (own.fileno(),)), Failed)
        link.close()


def test_garbage_ends_only_its_own_connection(kernel, path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as own:
        own.connect(str(path))
        own.send(b"nonsense")
        assert own.recv(10) == b""
    assert kernel.inventory().total_sas == 0


def test_restarted_espd_is_found_and_the_daemon_told(path):
    heard, lines = queue.Queue(), []
    first = Served(path)
    client = UserlandKernel(EspdAccess(path, "charon"), lambda level, text: lines.append(text))
    client.start(heard.put)
    first.stop()
    second = Served(path, instance="two")
    try:
        assert heard.get(timeout=10) == KernelReset()
        assert client.inventory().total_sas == 0
    finally:
        client.close(flush=False)
        second.stop()
    assert "espd has restarted and holds nothing of ours" in lines


def test_without_espd_every_request_fails_with_a_reason(path):
    client = UserlandKernel(EspdAccess(path, "charon"), lambda level, text: None)
    with pytest.raises(KernelError, match="not running"):
        client.add_policy(replace(POLICY))
    client.close(flush=True)


def test_default_mtu_is_told(kernel):
    assert kernel.inventory().mtu == DEFAULT_MTU


def test_loop_survives_a_failing_handler_and_runs_timers_in_order(served):
    order = []
    ready = threading.Event()

    def plan():
        now = served.loop.now()
        served.loop.at(now + 0.02, lambda: (order.append("late"), ready.set()))
        served.loop.at(now, lambda: order.append("early"))
        served.loop.at(now + 0.01, lambda: 1 / 0)

    served.call(plan)
    assert ready.wait(5)
    assert order == ["early", "late"]
    assert "ZeroDivisionError" in served.logged[0]
