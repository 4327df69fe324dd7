"""The tables in the README that a script writes, each between two marks of its own."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def table_of(name: str) -> str:
    """What stands between the marks of a table. Raises: SystemExit if they are not there once each."""
    return _parts(name)[1]


def write_table(name: str, table: str) -> None:
    """Put a table between its marks. Raises: SystemExit if they are not there once each."""
    before, _, after = _parts(name)
    README.write_text(before + table + after, encoding="utf-8")


def _parts(name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    text = README.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{README.name} needs the two lines {begin.strip()} and {end}, once each; the table goes between.")
    before, rest = text.split(begin)
    table, after = rest.split(end)
    return before + begin, table, end + after
