"""The command line of ``ipsec load-test``: what it means, and every mistake that can be found in it."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter, _ArgumentGroup
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Proposal, Protocol, parse_proposals
from cygnet.pluto.encoding.methods import METHODS
from cygnet.pluto.encoding.phase1_offers import offer

MAX_COUNT, MAX_CONCURRENCY, MAX_PROCESSES = 1_000_000, 100_000, 64
LONGEST = 1_000_000
FOREVER = float("inf")
NUMBER = "%n"
"""Stands for an initiator's number in its identity."""

DEFAULT_IKE = {False: "aes128gcm16-prfsha256-x25519", True: "aes128-sha256-x25519"}
"""By whether it is IKEv1, which has no combined algorithms in phase 1."""

DESCRIPTION = """\
Set up many IKE_SAs, each with a CHILD_SA, from this host to a responder, and tell how long that takes.
The initiators are real (proposals, authentication, retransmission, NAT traversal), but carry no traffic.
Load only hosts that are yours or whose operator knows: to anybody else it is a denial of service."""
EPILOG = """\
examples:
  ipsec load-test 192.0.2.2 --psk-file secret --count 1000 --concurrency 20
  ipsec load-test 192.0.2.2 --ca ca.pem --ca-key ca.key --identity %n@example.org --rate 50 --count 3000
  ipsec load-test 192.0.2.2 --psk-file secret --count 10000 --local-ts 10.64.0.0/16 --hold

The responder wants a connection that takes all of them, such as
  conn load
      right=%any
      rightid=%any
      rightsubnet=10.64.0.0/16
      leftsubnet=10.2.0.0/24
      auto=add
and no limits in their way: cookies, half-open limits and uniqueids apply to load too.

exit status: 0 every handshake succeeded, 1 some failed or SAs were lost, 2 usage"""


@dataclass(frozen=True, slots=True)
class Options:
    """A checked command line; times are seconds, ``rate`` 0 is as fast as it goes.

    ``delete_after`` ``None``: SAs live until the end. ``hold`` may be :data:`FOREVER`.
    """

    target: Address
    port: int
    nat_t_port: int
    count: int
    first: int
    concurrency: int
    rate: float
    processes: int
    source: list[Address]
    source_port: int
    reuse_keys: bool
    ikev1: bool
    ike: tuple[Proposal, ...]
    esp: tuple[Proposal, ...]
    local_ts: TrafficSelector
    remote_ts: TrafficSelector | None
    identity: str
    remote_identity: str
    psk: str
    psk_file: str
    cert: str
    key: str
    ca: str
    ca_key: str
    key_type: str
    cacert: list[str]
    timeout: float
    tries: int
    delete_after: float | None
    hold: float
    keep: bool
    json: bool
    quiet: bool


def parse(argv: list[str]) -> Options:
    """The options; ends the program after ``--help`` (0) and after telling a mistake (2)."""
    parser = _parser()
    words = vars(parser.parse_args(argv))
    words["ike"] = words["ike"] or parse_proposals(f"{DEFAULT_IKE[words['ikev1']]}!", Protocol.IKE)
    options = Options(**words)
    for problem in _problems(options):
        parser.error(problem)
    return options


def _problems(options: Options) -> Iterator[str]:
    kinds = {
        "--psk or --psk-file": bool(options.psk or options.psk_file),
        "--ca with --ca-key": bool(options.ca or options.ca_key),
        "--cert with --key": bool(options.cert or options.key),
    }
    if sum(kinds.values()) != 1:
        yield f"give one kind of credentials: {'; '.join(kinds)}"
    if bool(options.ca) != bool(options.ca_key) or bool(options.cert) != bool(options.key):
        yield "a certificate needs its private key: --ca with --ca-key, --cert with --key"
    if options.psk and options.psk_file:
        yield "--psk and --psk-file are the same thing; give one"
    if options.ikev1:
        try:
            offer(options.ike, METHODS[:1], 0)
        except ValueError:
            yield "--ike has nothing that IKEv1 knows: it wants a cipher, a hash and a group"
    target = options.target
    if target.is_multicast or target.is_unspecified or str(target) == "255.255.255.255":
        yield f"{target} is not the address of one host"
    if any(source.version != target.version for source in options.source):
        yield "--source must be of the responder's address family"
    if options.source_port and (options.processes > 1 or len(options.source) != len(set(options.source))):
        yield "--source-port is for one process with different sources: each socket needs its own port"


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "ipsec load-test", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
        formatter_class=lambda prog: RawDescriptionHelpFormatter(prog, max_help_position=28, width=100),
    )  # fmt: skip
    parser.add_argument("target", type=_address, metavar="ADDRESS", help="the responder")
    _add_load(parser.add_argument_group("load"))
    _add_credentials(parser.add_argument_group("credentials, one kind of"))
    _add_negotiation(parser.add_argument_group("negotiation"))
    _add_ending(parser.add_argument_group("what becomes of the SAs"))
    _add_output(parser.add_argument_group("output"))
    return parser


def _add_load(group: _ArgumentGroup) -> None:
    add = group.add_argument
    add("-n", "--count", type=_number(1, MAX_COUNT), default=100, metavar="N", help="handshakes (100)")
    add("--first", type=_number(0, 1 << 31), default=0, metavar="N",
        help="the first initiator's number, for further SAs beside those of an earlier run (0)")  # fmt: skip
    add("-c", "--concurrency", type=_number(1, MAX_CONCURRENCY), default=10, metavar="N",
        help="handshakes under way at a time, at most (10)")  # fmt: skip
    add("-r", "--rate", type=_seconds, default=0.0, metavar="N",
        help="handshakes begun per second (as many as --concurrency lets); latencies then count from when\n"
             "each was due")  # fmt: skip
    add("-p", "--processes", type=_number(1, MAX_PROCESSES), default=1, metavar="N",
        help="share the work among N processes (1)")  # fmt: skip
    add("--source", type=_address, action="append", default=[], metavar="ADDRESS",
        help="send from this address of ours; several take turns (the route's)")  # fmt: skip
    add("--source-port", type=_number(0, 65535), default=0, metavar="PORT", help="send from this port (any)")
    add("--port", type=_number(1, 65535), default=500, metavar="PORT", help="the responder's port (500)")
    add("--nat-t-port", type=_number(1, 65535), default=4500, metavar="PORT",
        help="its port for NAT traversal (4500)")  # fmt: skip
    add("--timeout", type=_seconds, default=2.0, metavar="S",
        help="seconds to the first retransmission; each later one waits 1.8 times as long (2)")  # fmt: skip
    add("--tries", type=_number(0, 20), default=4, metavar="N", help="retransmissions (4)")
    add("--reuse-keys", action="store_true",
        help="use one key pair for all handshakes: less work for this host, and not secure")  # fmt: skip


def _add_credentials(group: _ArgumentGroup) -> None:
    add = group.add_argument
    add("--psk", default="", metavar="SECRET", help="a pre-shared key; visible to all on this host (ps)")
    add("--psk-file", default="", metavar="FILE", help="a pre-shared key, read from a file")
    add("--ca", default="", metavar="FILE", help="make a certificate of this CA for each initiator")
    add("--ca-key", default="", metavar="FILE", help="that CA's private key; the CA is trusted")
    add("--key-type", choices=("rsa", "ecdsa", "ed25519"), default="ecdsa",
        help="the key of all those certificates: RSA 2048, ECDSA P-256 or Ed25519 (ecdsa)")  # fmt: skip
    add("--cert", default="", metavar="FILE", help="one certificate for all initiators")
    add("--key", default="", metavar="FILE", help="its private key")
    add("--cacert", action="append", default=[], metavar="FILE",
        help="trust this CA for the responder's certificate; may repeat")  # fmt: skip


def _add_negotiation(group: _ArgumentGroup) -> None:
    add = group.add_argument
    add("--ikev1", action="store_true", help="main mode and quick mode (IKEv2)")
    add("--ike", type=_proposals(Protocol.IKE), metavar="PROPOSALS",
        help=f"as ike= in ipsec.conf, and nothing else ({DEFAULT_IKE[False]}; IKEv1 {DEFAULT_IKE[True]})")
    add("--esp", type=_proposals(Protocol.ESP), default="aes128gcm16", metavar="PROPOSALS",
        help="as esp=, and nothing else (aes128gcm16)")  # fmt: skip
    add("--identity", default=f"load-{NUMBER}.test", metavar="ID",
        help="initiators' identity; %%n is a number (load-%%n.test). With --cert: the certificate's subject")
    add("--remote-identity", default="%any", metavar="ID", help="what the responder must prove to be (%%any)")
    add("--local-ts", type=_selector, default="dynamic", metavar="NET",
        help="initiator n asks for the n-th address of this network (its own address)")  # fmt: skip
    add("--remote-ts", type=_selector, default=None, metavar="NET",
        help="the network behind the responder (everything, which IKEv1 cannot narrow)")  # fmt: skip


def _add_ending(group: _ArgumentGroup) -> None:
    add = group.add_argument
    add("--hold", type=_seconds, nargs="?", default=0.0, const=FOREVER, metavar="S",
        help="keep all SAs for S seconds after the last handshake, or until interrupted")  # fmt: skip
    add("--delete-after", type=_seconds, default=None, metavar="S",
        help="delete each SA when it is S seconds old")  # fmt: skip
    add("--keep", action="store_true", help="leave the SAs to the responder (they are deleted at the end)")


def _add_output(group: _ArgumentGroup) -> None:
    add = group.add_argument
    add("--json", action="store_true", help="one JSON object per line on standard output, progress included")
    add("--quiet", action="store_true", help="no progress on standard error")


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ArgumentTypeError(f"'{text}' is no number from {low} to {high}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST:
        raise ArgumentTypeError(f"'{text}' is no number from 0 to {LONGEST}")
    return value


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no IP address") from None


def _selector(text: str) -> TrafficSelector:
    try:
        return TrafficSelector.of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _proposals(protocol: Protocol) -> Callable[[str], tuple[Proposal, ...]]:
    """As in ``ipsec.conf``, but nothing is added to what is written."""

    def read(text: str) -> tuple[Proposal, ...]:
        try:
            return parse_proposals(text.removesuffix("!") + "!", protocol)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return read
