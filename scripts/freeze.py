"""Writes constraints.txt: the exact versions of everything in this Python environment.

Run it in a fresh `.venv` in which the whole of `make test` has passed: python scripts/freeze.py
"""

import argparse
import re
from importlib.metadata import distributions
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
# What every environment brings along, and the project itself.
LEFT_OUT = {"dlnb", "pip", "setuptools", "wheel"}
HEADER = """\
# The versions the course is tested with, on Python 3.11 to 3.13.
# Written by `make constraints`; used as: pip install --constraint constraints.txt .
"""


def pins() -> list[str]:
    """`name==version`, one for each installed distribution, by name.

    The local part of a version (`+cpu`) is dropped: which build of PyTorch is taken is the installer's choice.
    """
    versions = {
        re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower(): distribution.version.split("+")[0]
        for distribution in distributions()
    }
    return [f"{name}=={version}" for name, version in sorted(versions.items()) if name not in LEFT_OUT]


def main() -> None:
    """Write the file, or with --print only show what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="show the constraints, write nothing")
    text = HEADER + "\n".join(pins()) + "\n"
    if parser.parse_args().print:
        print(text, end="")
    else:
        CONSTRAINTS.write_text(text)
        print(f"{len(pins())} versions written to {CONSTRAINTS.name}")


if __name__ == "__main__":
    main()
