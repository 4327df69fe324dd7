"""Lists the lengths and SHA-256 sums of a data set of many files: `python scripts/sums.py orl_faces FOLDER .pgm`.

FOLDER holds the files as they are published; those with one of the endings named are listed. The list is what
`dlnb.data.sets.ListedFiles` reads.
"""

import hashlib
import sys
from pathlib import Path

SUMS = Path(__file__).resolve().parents[1] / "dlnb" / "data" / "sums"


def sums(folder: Path, endings: tuple[str, ...]) -> str:
    """A line a file: SHA-256, length in bytes, path in the folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name.endswith(endings))
    if not files:
        raise SystemExit(f"{folder} holds no file that ends in {' or '.join(endings)}")
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.stat().st_size} {file.relative_to(folder).as_posix()}\n"
        for file in files
    )


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    name, folder, *endings = sys.argv[1:]
    SUMS.mkdir(exist_ok=True)
    (SUMS / f"{name}.txt").write_text(sums(Path(folder), tuple(endings)), encoding="utf-8")
