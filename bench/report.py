"""The table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from measurements import Scale, Sheet
from rows import Row

OURS, THEIRS = "cygnet", "strongswan"


@dataclass(frozen=True)
class Line:
    """A measurement with its title; ``parts`` are measurements of which it is the sum, shown for Cygnet."""

    measurement: str
    title: str
    parts: tuple[tuple[str, str], ...] = ()


PER_ROW = (
    Line("cpu_ms", "CPU time of the responder per handshake, ms",
         (("cpu_charon_ms", "charon"), ("cpu_pluto_ms", "pluto"), ("cpu_espd_ms", "espd"))),
    Line("rate", "handshakes per second at saturation (load from the same machine)"),
    Line("single_median_ms", "latency of one at a time, median, ms"),
    Line("single_99_ms", "latency of one at a time, 99th percentile, ms"),
    Line("busy_median_ms", "latency at saturation, median, ms"),
    Line("busy_99_ms", "latency at saturation, 99th percentile, ms"),
    Line("start_s", "from `ipsec start` to the first answer, s"),
    Line("loader_ms", "CPU time of the load generator per handshake, ms"),
)  # fmt: skip


def growth_lines(scale: Scale) -> tuple[Line, ...]:
    """Those that depend on the number of SAs."""
    few, many = f"{scale.few:,}", f"{scale.many:,}"
    return (
        Line("kib_per_sa_few", f"memory per SA at {few} SAs, KiB"),
        Line("kib_per_sa_many", f"memory per SA at {many} SAs, KiB"),
        Line("first_cpu_ms", f"CPU time per handshake, first {few}, ms"),
        Line("last_cpu_ms", f"CPU time per handshake, last {few} of {many}, ms"),
        Line("status_empty_ms", "time of `ipsec status` without SAs, ms"),
        Line("status_few_ms", f"time of `ipsec status` at {few} SAs, ms"),
    )


BUFFERED = "strongswan_buffers"
THROUGHPUT = (
    ("mbit_s", "TCP through a tunnel, Mbit/s"),
    ("cpu_s_per_gb", "CPU time of each end per GB of TCP, s"),
    *(
        (f"packet_{size}_{rate}_{what}", title.format(size, rate))
        for size in (64, 1372)
        for rate in (2000, 20_000)
        for what, title in (
            ("us", "CPU us per packet of {:,}, {:,}/s, both ends"), ("lost", "  of these lost, %"),
        )
    ),
)

CROWD = (
    ("mbit_s", "TCP through one of them, Mbit/s"),
    ("cpu_s_per_gb", "CPU time of each end per GB of TCP, s"),
    *(
        (f"packet_{size}_20000_{what}", title.format(size))
        for size in (64, 1372)
        for what, title in (
            ("us", "CPU us per packet of {:,}, 20,000/s, both ends"), ("lost", "  of these lost, %"),
        )
    ),
)
BUSY = (
    ("tcp_alone", "TCP, Mbit/s"),
    ("tcp_busy", "TCP beside 100 handshakes/s, Mbit/s"),
    ("tcp_lost", "  of TCP lost to them, %"),
    ("link_alone", "TCP over a wire of 500 Mbit/s, Mbit/s"),
    ("link_busy", "TCP over it beside 100 handshakes/s, Mbit/s"),
    ("link_lost", "  of TCP lost to them, %"),
    ("paced_alone", "lost of 10,000 packets/s of 1,372, %"),
    ("paced_busy", "lost of these beside 100 handshakes/s, %"),
)

Sheets = Mapping[str, Sheet | str]
"""By the name of the row; a text says why there is none."""


def table(rows: tuple[Row, ...], sheets: Sheets, grown: Mapping[str, Sheet], scale: Scale) -> Iterator[str]:
    """The whole table, line by line; each value is the median of the runs."""
    for line in PER_ROW:
        yield from _heading(line.title)
        for row in rows:
            sheet = sheets[row.name]
            if isinstance(sheet, str):
                yield f"  {row.title:<38}  not supported by this build"
            else:
                yield _values(row.title, line, sheet)
    for line in growth_lines(scale):
        yield from _heading(line.title)
        for row in rows:
            if row.name in grown:
                yield _values(row.title, line, grown[row.name])
    for row in rows:
        reason = sheets[row.name]
        if isinstance(reason, str):
            yield f"\n{row.title} is not supported by this build: {reason}"


def throughput_table(sheet: Sheet) -> Iterator[str]:
    """What tunnels between two of a kind carry; ratios are those of Cygnet's figure to the other."""
    yield f"\n{'AES-128-GCM, ESP in UDP':<50}{'Cygnet':>8}{'strongSwan':>12}{'ratio':>7}" + (
        f"{'equal buffers':>15}{'ratio':>7}"
    )
    for measurement, title in THROUGHPUT:
        ours = sheet.median(measurement, OURS)
        others = [sheet.median(measurement, name) for name in (THEIRS, BUFFERED)]
        shown = [(value, f"{ours / value:.2f}" if ours is not None and value else "-") for value in others]
        (stock, one), (buffered, other) = shown
        yield f"{title:<50}{_number(ours):>8}{_number(stock):>12}{one:>7}{_number(buffered):>15}{other:>7}"


def crowd_table(sheet: Sheet, count: int) -> Iterator[str]:
    """The same traffic through one SA and through many; ratios are those of many to one."""
    many = f"{count:,} SAs"
    heads = "".join(f"{name + ', 1 SA':>19}{many:>11}{'ratio':>7}" for name in ("Cygnet", "strongSwan"))
    yield f"\n{'packets to so many addresses in turn':<50}{heads}"
    for measurement, title in CROWD:
        shown = f"{title:<50}"
        for name in (OURS, THEIRS):
            one, all_ = (sheet.median(measurement, f"{name}_{which}") for which in ("one", "many"))
            ratio = f"{all_ / one:.2f}" if one and all_ is not None else "-"
            shown += f"{_number(one):>19}{_number(all_):>11}{ratio:>7}"
        yield shown


def busy_table(sheet: Sheet) -> Iterator[str]:
    """Traffic beside handshakes."""
    yield f"\n{'traffic while charon does handshakes':<50}{'Cygnet':>8}{'strongSwan':>12}"
    for measurement, title in BUSY:
        ours, theirs = (sheet.median(measurement, name) for name in (OURS, THEIRS))
        yield f"{title:<50}{_number(ours):>8}{_number(theirs):>12}"


def _heading(title: str) -> Iterator[str]:
    yield f"\n{title}"
    yield f"{'':<40}{'Cygnet':>10}{'strongSwan':>12}{'ratio':>8}"


def _values(title: str, line: Line, sheet: Sheet) -> str:
    ours, theirs = sheet.median(line.measurement, OURS), sheet.median(line.measurement, THEIRS)
    ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else "-"
    parts = [(name, sheet.median(measurement, OURS)) for measurement, name in line.parts]
    shown = " + ".join(f"{name} {_number(value)}" for name, value in parts if value is not None)
    text = f"  {title:<38}{_number(ours):>10}{_number(theirs):>12}{ratio:>8}"
    return f"{text}   ({shown})" if shown else text


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
