"""What ``whack --help`` prints."""

from cygnet.whack.options import SECTIONS

WIDTH = 100


def help_text() -> str:
    """All options, in sections."""
    lines = ["Usage: whack OPTIONS, several of which may be given at once", ""]
    for caption, rows in SECTIONS:
        lines.append(f"{caption}:")
        line = "   "
        for name, option in rows.items():
            word = f" --{name} {option.argument}".rstrip()
            if len(line) + len(word) > WIDTH and line.strip():
                lines.append(line)
                line = "   "
            line += word
        lines.append(line)
    return "\n".join(lines)
