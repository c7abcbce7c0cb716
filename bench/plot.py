"""The plot: cost per handshake, growth and memory, as SVG."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measurements import Scale, Sheet
from report import OURS, THEIRS, Sheets
from rows import Row

COLOURS = {OURS: "#1f6feb", THEIRS: "#b0762a"}
TITLES = {OURS: "Cygnet", THEIRS: "strongSwan"}
WIDTH = 0.38


def missing() -> str:
    """Empty where a plot can be made, else the reason."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return "no plot: matplotlib is not installed (scripts/setup bench)"
    return ""


def draw(rows: tuple[Row, ...], sheets: Sheets, grown: Mapping[str, Sheet], scale: Scale, path: Path) -> None:
    """Draw to ``path``."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(15, 4.5), width_ratios=(3, 2, 2))
    measured = [(row, sheet) for row in rows if isinstance(sheet := sheets[row.name], Sheet)]
    titles = [row.title.replace(", ", ",\n") for row, _ in measured]
    _bars(left, "CPU ms per handshake", titles, [(sheet, "cpu_ms") for _, sheet in measured])
    chosen = [(row, grown[row.name]) for row in rows if row.name in grown]
    few, many = f"{scale.few:,}", f"{scale.many:,}"
    labels, places = [], []
    for row, sheet in chosen:
        labels += [f"{row.name}\nfirst {few}", f"{row.name}\nlast {few}\nof {many}"]
        places += [(sheet, "first_cpu_ms"), (sheet, "last_cpu_ms")]
    _bars(middle, "CPU ms per handshake", labels, places)
    labels, places = [], []
    for row, sheet in chosen:
        labels += [f"{row.name}\n{few} SAs", f"{row.name}\n{many} SAs"]
        places += [(sheet, "kib_per_sa_few"), (sheet, "kib_per_sa_many")]
    _bars(right, "KiB per SA", labels, places)
    left.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _bars(axes: Any, title: str, labels: list[str], places: list[tuple[Sheet, str]]) -> None:
    for side, name in ((-0.5, OURS), (0.5, THEIRS)):
        heights = [sheet.median(measurement, name) or 0.0 for sheet, measurement in places]
        positions = [place + side * WIDTH for place in range(len(places))]
        bars = axes.bar(positions, heights, WIDTH, label=TITLES[name], color=COLOURS[name])
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_title(title)
