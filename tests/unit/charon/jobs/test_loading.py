"""Connections that come and go."""

from types import SimpleNamespace

from simulation.recording import PEER, Shell, ike_sa

from cygnet.charon.jobs.loading import SETTLE_S, Loading
from cygnet.charon.sa.orders import UpdateConfig
from cygnet.ctl.stroke import AddAuthority, AddConnection


def around(**sas):
    shell, calls = Shell(**sas), []
    store = SimpleNamespace(
        add=lambda request: calls.append(("add", request.name)) or ["careful"],
        remove=lambda name: calls.append(("remove", name)) or True,
        add_authority=lambda request: calls.append(("add ca", request.name)) or [],
        remove_authority=lambda name: calls.append(("remove ca", name)) or False,
    )
    reconciler = SimpleNamespace(forget=lambda name: calls.append(("forget", name)))
    return shell, calls, Loading(store, reconciler, shell.place)


def test_everything_reaches_the_store():
    _, calls, loading = around()
    assert loading.add(AddConnection("net")) == ["careful"]
    assert loading.add_authority(AddAuthority("ca")) == []
    assert not loading.remove_authority("ca")
    assert calls == [("add", "net"), ("add ca", "ca"), ("remove ca", "ca")]


def test_wishes_end_with_their_connection():
    _, calls, loading = around()
    assert loading.remove("net")
    assert calls == [("forget", "net"), ("remove", "net")]


def test_ike_sas_hear_once_of_many_changes():
    shell, _, loading = around(sas={50: ike_sa(50), 51: ike_sa(51, name="stranger")})
    for name in ("net", "gone", "net"):
        loading.add(AddConnection(name))
    assert shell.later() == [SETTLE_S]
    assert shell.ordered == [(50, UpdateConfig(PEER))]
    loading.add(AddConnection("net"))
    assert shell.later() == [SETTLE_S]
