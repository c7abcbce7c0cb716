"""What charon is told when the configuration changes."""

from cygnet.conf.records import Authority, Config, Connection, Setup
from cygnet.ctl.stroke import (
    AddConnection,
    DeleteAuthority,
    DeleteConnection,
    Initiate,
    LogLevel,
    Route,
    Unroute,
)
from cygnet.starter.changes import Held, actions, additions, level_changes, removals, wanted_of


def holding(config: Config) -> Held:
    wanted, held = wanted_of(config), Held()
    for request in additions(held, wanted):
        held.note(request, wanted)
    return held


def test_nothing_is_asked_where_nothing_changed():
    config = Config(connections=(Connection("a", auto="add"),), authorities=(Authority("c", auto="add"),))
    held = holding(config)
    assert removals(held, wanted_of(config), everything=False) == []
    assert additions(held, wanted_of(config)) == []


def test_connections_that_cannot_be_loaded_are_left_out():
    config = Config(
        connections=(
            Connection("ignored"),
            Connection("v1", auto="add", keyexchange="ikev1"),
            Connection("strict", auto="add", unsupported=("leftgroups",)),
            Connection("good", auto="add"),
        )
    )
    assert list(wanted_of(config).connections) == ["good"]


def test_changed_setup_changes_connections_that_depend_on_it():
    connections = (Connection("a", auto="add"),)
    held = holding(Config(connections=connections))
    changed = wanted_of(Config(setup=Setup(uniqueids="no"), connections=connections))
    assert removals(held, changed, everything=False) == [DeleteConnection("a")]


def test_routed_connection_is_unrouted_before_it_goes():
    held = holding(
        Config(connections=(Connection("r", auto="route"),), authorities=(Authority("c", auto="add"),))
    )
    assert removals(held, wanted_of(Config()), everything=False) == [
        Unroute("r"),
        DeleteConnection("r"),
        DeleteAuthority("c"),
    ]


def test_shunts_are_routed_where_others_are_started():
    shunts = tuple(Connection(name, auto="start", type=name) for name in ("pass", "drop", "reject"))
    wanted = wanted_of(Config(connections=(*shunts, Connection("net", auto="start"))))
    routes = [Route("pass"), Route("drop"), Route("reject")]
    assert actions(list(wanted.connections), wanted) == [*routes, Initiate("net", wait=False)]
    gone = removals(holding(Config(connections=shunts)), wanted_of(Config()), everything=False)
    assert Unroute("pass") in gone


def test_routes_come_before_initiations_and_nothing_waits():
    wanted = wanted_of(Config(connections=(Connection("s", auto="start"), Connection("r", auto="route"))))
    assert actions(["s", "r", "gone"], wanted) == [Route("r"), Initiate("s", wait=False)]


def test_refused_connection_is_asked_again():
    wanted = wanted_of(Config(connections=(Connection("a", auto="add"),)))
    held = Held()
    assert [type(request) for request in additions(held, wanted)] == [AddConnection]
    assert [type(request) for request in additions(held, wanted)] == [AddConnection]


def test_log_levels_are_reset_before_new_ones_are_set():
    setup = Setup(charondebug=(("knl", 3),))
    assert level_changes((("ike", 2),), setup) == [LogLevel("ike", 1), LogLevel("knl", 3)]
    assert level_changes(setup.charondebug, setup) == []
