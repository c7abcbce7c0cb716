"""Records of ipsec.conf as messages for charon."""

from dataclasses import fields

from cygnet.conf.records import Authority, Connection, End, Setup
from cygnet.ctl import stroke
from cygnet.starter.messages import add_authority, add_connection


def test_connection_travels_whole():
    left = End(
        hosts=("192.0.2.1", "gw.example"),
        subnets=("10.0.0.0/8", "%dynamic"),
        certs=("a.pem", "b.pem"),
        auth="psk",
    )
    message = add_connection(
        Connection("a", left=left, keyexchange="ikev2", type="pass", ike="aes128-sha256", reqid=7),
        Setup(uniqueids="keep"),
    )
    assert message.left.address == "192.0.2.1,gw.example"
    assert message.left.subnets == "10.0.0.0/8,%dynamic"
    assert message.left.cert == "a.pem,b.pem"
    assert message.left.auth == "psk"
    assert (message.version, message.mode, message.ike, message.reqid, message.unique) == (
        2,
        "pass",
        "aes128-sha256",
        7,
        "keep",
    )


def test_defaults_of_record_and_message_agree():
    built, plain = add_connection(Connection("a"), Setup()), stroke.AddConnection("a")
    differing = {
        entry.name for entry in fields(plain) if getattr(built, entry.name) != getattr(plain, entry.name)
    }
    assert differing <= {"left", "right", "authby"}


def test_message_survives_its_coding():
    message = add_connection(Connection("a", ikedscp=3, mark_in="1/2"), Setup())
    values = stroke.asdict(message)
    assert stroke.decode({"kind": message.kind, **values}) == message


def test_authority_travels_whole():
    message = add_authority(Authority("c", cacert="ca.pem", crluri2="http://x"))
    assert (message.name, message.cacert, message.crluri2, message.ocspuri) == ("c", "ca.pem", "http://x", "")


def test_firewall_is_a_script_of_ours():
    ends = End(firewall=True), End(updown="/etc/updown")
    message = add_connection(Connection("a", left=ends[0], right=ends[1]), Setup())
    assert message.left.updown.endswith(" -m cygnet.ipsec _updown iptables")
    assert message.right.updown == "/etc/updown"
