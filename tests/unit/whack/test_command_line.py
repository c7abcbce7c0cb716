"""whack's command line: each option reaches its place, and what is wrong is said."""

from collections.abc import Callable

import pytest

from cygnet.ctl import whack
from cygnet.ctl.whack import AddConnection, End, Policy, Request
from cygnet.whack.command_line import Order, parse
from cygnet.whack.options import OPTIONS
from cygnet.whack.values import UsageError

BASIC = "--name net --psk --encrypt --host 192.0.2.1 --to --host 192.0.2.2"


def nothing(name: str) -> str:
    raise FileNotFoundError(2, "No such file or directory")


def order(line: str, read: Callable[[str], str] = nothing) -> Order:
    return parse(line.split(), read)


def requests(line: str) -> tuple[Request, ...]:
    return order(line).requests


def test_authentication_alone_is_ah() -> None:
    (plain,) = requests(BASIC.replace("--encrypt", "--authenticate"))
    (named,) = requests(BASIC.replace("--encrypt", "--authenticate --esp sha512!"))
    assert isinstance(plain, AddConnection) and isinstance(named, AddConnection)
    assert [(one.esp, one.ah) for one in (plain, named)] == [("", "sha256-sha1"), ("", "sha512!")]


def test_connection_with_everything() -> None:
    ends = (
        "--host 192.0.2.1 --id @moon --cert moon.pem --ca %same --sendcert yes --groups a,b --ikeport 501 "
        "--nexthop 192.0.2.254 --client 10.1.0.0/16 --clientprotoport tcp/80 --srcip 10.1.0.1 "
        "--dnskeyondemand --hostaccess --updown script --to --host %any --clientwithin 10.0.0.0/8 "
    )
    options = (
        "--name net --rsasig --xauthrsasig --xauthserver --encrypt --compress --tunnel --pfs --dontrekey "
        "--tunnelipv4 --ipv4 --failpass --ikelifetime 100 --ipseclifetime 90 --rekeymargin 9 --rekeyfuzz 50 "
        "--keyingtries 0 --ike aes128-sha1-modp2048 --esp aes128-sha1 --pfsgroup modp2048 --dpdaction hold "
        "--dpddelay 30 --dpdtimeout 120"
    )
    left = End(
        "192.0.2.1", 501, "192.0.2.254", "@moon", "moon.pem", "%same", "always", "a,b", "10.1.0.0/16", False,
        6, 80, 80, "10.1.0.1", "", "script", True, True,
    )  # fmt: skip
    policy = (
        Policy.PUBKEY | Policy.XAUTHRSASIG | Policy.XAUTHSERVER | Policy.ENCRYPT | Policy.COMPRESS
        | Policy.TUNNEL | Policy.PFS | Policy.DONTREKEY
    )  # fmt: skip
    assert requests(ends + options) == (
        AddConnection(
            "net", left, End("%any", client="10.0.0.0/8", client_within=True), int(policy), failure="pass",
            host_family=4, client_family=4, ike="aes128-sha1-modp2048", esp="aes128-sha1",
            pfsgroup="modp2048", ike_lifetime_s=100.0, ipsec_lifetime_s=90.0, margin_s=9.0, fuzz_percent=50,
            keying_tries=0, dpd_action="hold", dpd_delay_s=30.0, dpd_timeout_s=120.0,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--status", whack.Status()),
        ("--statusall --name net", whack.Status("net", all=True)),
        ("--shutdown", whack.Shutdown()),
        ("--listen", whack.Listen()),
        ("--unlisten", whack.Unlisten()),
        ("--name net --initiate", whack.Initiate("net")),
        ("--name=net --initiate --asynchronous", whack.Initiate("net", True)),
        ("--name rw[2] --terminate", whack.Terminate("rw[2]")),
        ("--name #3 --terminate --asynchronous", whack.Terminate("#3", True)),
        ("--name net --route", whack.Route("net")),
        ("--name net --unroute", whack.Unroute("net")),
        ("--name net --delete", whack.DeleteConnection("net")),
        ("--deletestate 7", whack.DeleteState(7)),
        ("--crash 192.0.2.9", whack.Crash("192.0.2.9")),
        ("--myid @me", whack.MyId("@me")),
        ("--oppohere 192.0.2.1 --oppothere 192.0.2.2", whack.Opportunistic("192.0.2.1", "192.0.2.2")),
        ("--keyid @moon --addkey --pubkeyrsa 0sAQ", whack.AddKey("@moon", True, "0sAQ")),
        ("--name n --xauthname carol --xauthpass x", whack.UserCredentials("n", "carol", "x")),
        ("--name n --xauthname carol", whack.UserCredentials("n", "carol")),
        ("--purgecrls --purgeike", whack.Purge(("crls", "ike"))),
        ("--leases", whack.Leases()),
        ("--leases --name p --lease-addr 10.3.0.1", whack.Leases("p", "10.3.0.1")),
        ("--leases --name p --lease-id carol", whack.Leases("p", id="carol")),
        ("--utc --listcerts --listcrls", whack.List(("certs", "crls"), True)),
        ("--rereadsecrets --rereadcrls", whack.Reread(("secrets", "crls"))),
        ("--purgeocsp", whack.Purge(("ocsp",))),
        ("--caname a --delete", whack.DeleteAuthority("a")),
        (
            "--caname a --cacert ca.pem --crluri http://x --strictcrlpolicy",
            whack.AddAuthority("a", "ca.pem", crluri="http://x", strict_crl_policy=True),
        ),
        (
            "--scdecrypt 0x12 --inbase 16 --outbase 64 --keyid 7",
            whack.SmartCard(True, "0x12", "16", "64", "7"),
        ),
        ("--scencrypt 12", whack.SmartCard(False, "12")),
        ("--debug-control --debug-natt --impair-bust-mi2", whack.Options(("control", "natt"), ("bust-mi2",))),
    ],
)
def test_action_is_one_request(line: str, expected: Request) -> None:
    assert requests(line) == (expected,)


def test_actions_of_one_line_come_in_plutos_order() -> None:
    found = requests(f"--status --initiate --delete --listen {BASIC}")
    assert [type(one) for one in found] == [
        whack.DeleteConnection, AddConnection, whack.Listen, whack.Initiate, whack.Status,
    ]  # fmt: skip
    assert found[0] == whack.DeleteConnection("net", missing_ok=True)


def test_shunt_needs_no_protocol() -> None:
    (found,) = requests("--name p --pass --host 192.0.2.1 --to --host 192.0.2.2")
    assert isinstance(found, AddConnection) and found.shunt == "pass"


def test_options_from_a_file_take_the_place_of_their_option() -> None:
    files = {
        "a": "--host 192.0.2.1 # a comment\n --to --optionsfrom b",
        "b": "--host '192.0.2.2' --id 'C=CH, O=x'",
    }
    (found,) = order("--name n --psk --encrypt --optionsfrom a", files.__getitem__).requests
    assert isinstance(found, AddConnection)
    assert found.right == End("192.0.2.2", id="C=CH, O=x")


def test_label_and_control_socket_are_for_whack_itself() -> None:
    found = order("--label here --ctlbase /tmp/p --status")
    assert (found.label, found.ctlbase) == ("here", "/tmp/p")


@pytest.mark.parametrize(
    ("line", "text"), [("--help", "help"), ("-h", "help"), ("--version", "version"), ("-v", "version")]
)
def test_help_and_version_ask_nobody(line: str, text: str) -> None:
    assert order(line) == Order(text=text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "an action is missing"),
        ("status", "'status' is no option"),
        ("--frobnicate", "unknown option '--frobnicate'"),
        ("--status=yes", "--status takes no argument"),
        ("--name", "--name wants an argument: NAME"),
        ("--initiate", "--name is missing"),
        ("--host 192.0.2.1 --psk", "--name is missing"),
        ("--name a --host 192.0.2.1 --psk --encrypt", "two ends with --to"),
        ("--name a --host 192.0.2.1 --to --to", "--to can be there only once"),
        ("--name a --psk --encrypt --host 192.0.2.1 --to --id @x", "each end of a connection needs --host"),
        (f"{BASIC} --authenticate", "either --encrypt"),
        ("--name a --psk --host 192.0.2.1 --to --host 192.0.2.2", "needs --encrypt or --authenticate"),
        (f"{BASIC} --pfsgroup modp2048", "--pfsgroup needs --pfs"),
        (f"{BASIC} --client 10.0.0.0/8 --clientwithin 10.0.0.0/8", "either --client or --clientwithin"),
        ("--name a --name b --status", "--name: name is given twice"),
        (f"{BASIC} --drop --pass", "--pass: shunt is given twice"),
        ("--deletestate x", "--deletestate: 'x' is not a whole number from 1"),
        ("--ikelifetime 1h", "--ikelifetime: '1h' is not a whole number"),
        ("--dpdaction reset", "'reset' is none of none, clear, hold, restart"),
        (f"{BASIC} --ipv6", "--ipv6: '192.0.2.1' is IPv4"),
        (f"{BASIC} --client 10.0.0.0/8 --tunnelipv6", "--tunnelipv6: '10.0.0.0/8' is IPv4"),
        ("--crash host.test", "--crash: 'host.test' is no IP address"),
        ("--clientprotoport tcp", "'tcp' is not PROTOCOL/PORT"),
        ("--clientprotoport nosuch/1", "has the unknown protocol 'nosuch'"),
        ("--clientprotoport tcp/nosuch", "has the unknown port 'nosuch'"),
        ("--optionsfrom gone", "--optionsfrom gone: No such file"),
        ("--caname a", "--caname wants --cacert, or --delete"),
        ("--cacert x", "--caname is missing"),
        ("--utc --status", "--utc goes with a list"),
        ("--addkey --status", "go with --keyid"),
        ("--oppohere 192.0.2.1", "--oppohere goes with --oppothere"),
        ("--oppothere 192.0.2.1", "--oppothere goes with --oppohere"),
        ("--leases --name p --lease-addr 10.0.0.1 --lease-id 2", "either --lease-addr or --lease-id"),
        ("--leases --lease-addr 10.0.0.1", "want the pool as --name"),
        ("--name n --xauthpass x", "--xauthpass goes with --xauthname"),
        ("--xauthname carol", "--name is missing"),
    ],
)
def test_wrong_line_is_refused_with_what_would_be_right(line: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        order(line)
    assert words in str(caught.value)


def test_files_that_name_each_other_end() -> None:
    with pytest.raises(UsageError, match="nested more than 10 deep"):
        order("--optionsfrom a", lambda name: "--optionsfrom a")
    with pytest.raises(UsageError, match="No closing quotation"):
        order("--optionsfrom a", lambda name: "--id 'x")


DOCUMENTED = {
    "help", "version", "optionsfrom", "label", "ctlbase", "name", "host", "id", "cert", "ca", "sendcert",
    "groups", "ikeport", "nexthop", "client", "clientwithin", "clientprotoport", "srcip", "dnskeyondemand",
    "hostaccess", "updown", "to", "psk", "rsasig", "encrypt", "authenticate", "compress", "tunnel", "pfs",
    "tunnelipv4", "tunnelipv6", "ipv4", "ipv6", "disablearrivalcheck", "initiateontraffic", "pass", "drop",
    "reject", "failnone", "failpass", "faildrop", "failreject", "dontrekey", "ikelifetime", "ipseclifetime",
    "rekeymargin", "rekeyfuzz", "keyingtries", "ike", "esp", "pfsgroup", "dpdaction", "dpddelay",
    "dpdtimeout", "route", "unroute", "initiate", "terminate", "asynchronous", "delete", "deletestate",
    "crash", "listen", "unlisten", "shutdown", "status", "statusall", "oppohere", "oppothere", "keyid",
    "addkey", "pubkeyrsa", "myid", "leases", "lease-addr", "lease-id", "utc", "listalgs", "listpubkeys",
    "listcerts", "listcacerts", "listacerts", "listaacerts", "listocspcerts", "listgroups", "listcainfos",
    "listcrls", "listocsp", "listcards", "listplugins", "listall", "rereadsecrets", "rereadcacerts",
    "rereadaacerts", "rereadocspcerts", "rereadacerts", "rereadcrls", "rereadall", "purgeocsp", "caname",
    "cacert", "ldaphost", "ldapbase", "crluri", "crluri2", "ocspuri", "strictcrlpolicy", "scencrypt",
    "scdecrypt", "inbase", "outbase", "debug-none", "debug-all", "debug-raw", "debug-crypt",
    "debug-parsing", "debug-emitting", "debug-control", "debug-lifecycle", "debug-kernel", "debug-klips",
    "debug-dns", "debug-natt", "debug-oppo", "debug-controlmore", "debug-private",
}  # fmt: skip


def test_every_option_of_strongswans_whack_is_there() -> None:
    assert OPTIONS.keys() >= DOCUMENTED
    assert sum(name.startswith("impair-") for name in OPTIONS) == 4
