"""The values that options take: text to what the message has, or a sentence about what would be right."""

from collections.abc import Callable

Convert = Callable[[str], object]


class UsageError(Exception):
    """The command line is not understood; the text says what would be right."""


def text(value: str) -> str:
    """Anything but nothing."""
    if not value:
        raise ValueError("cannot be empty")
    return value


def whole(low: int, high: int) -> Convert:
    """A whole number within limits."""

    def convert(value: str) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(value)

    return convert


def seconds(value: str) -> float:
    """A time in seconds."""
    return float(int(str(whole(0, 2**31 - 1)(value))))


def one_of(*words: str, **aliases: str) -> Convert:
    """One of these words; the message has what an alias stands for."""

    def convert(value: str) -> str:
        if value not in (*words, *aliases):
            raise ValueError(f"is none of {', '.join((*words, *aliases))}")
        return aliases.get(value, value)

    return convert


def address(value: str) -> str:
    """An IP address."""
    if not version_of(value) or "/" in value:
        raise ValueError("is no IP address")
    return value


def version_of(value: str) -> int:
    """4 or 6 for an address or a subnet, 0 for anything else."""
    from ipaddress import ip_network

    try:
        return ip_network(value.partition("[")[0], strict=False).version
    except ValueError:
        return 0


def protocol_port(value: str) -> tuple[int, int, int]:
    """``PROTOCOL/PORT``: the protocol, and the first and last port; names are looked up."""
    name, slash, port = value.partition("/")
    if not slash:
        raise ValueError("is not PROTOCOL/PORT, such as tcp/http or 17/1701 or 6/%any")
    protocol = _number(name, 255, "protocol", _protocols)
    if port in ("%any", "0", ""):
        return protocol, 0, 65535
    number = _number(port, 65535, "port", _service(name))
    return protocol, number, number


def _number(name: str, limit: int, what: str, look_up: Callable[[str], int]) -> int:
    if name.isascii() and name.isdigit() and int(name) <= limit:
        return int(name)
    try:
        return look_up(name)
    except OSError:
        raise ValueError(f"has the unknown {what} '{name}'") from None


def _protocols(name: str) -> int:
    import socket

    return socket.getprotobyname(name)


def _service(protocol: str) -> Callable[[str], int]:
    def look_up(name: str) -> int:
        import socket

        return socket.getservbyname(name, protocol)

    return look_up
