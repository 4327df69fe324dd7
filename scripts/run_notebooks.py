"""Runs notebooks from top to bottom and saves them in place, with nothing in them that differs from run to run.

A notebook whose cell raises is left as it was.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from notebook_run import budget_of, course

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def run(path: Path) -> None:
    """Execute a notebook in its own folder and save it."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kernelspec"] = NotebookNode(KERNEL)
    client = NotebookClient(
        notebook,
        timeout=int(2 * budget_of(path).seconds),
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    with tempfile.TemporaryDirectory() as home:  # the progress of who runs it stays as it is
        client.execute(env={**os.environ, "DLNB_HOME": home})
    clean(notebook)
    nbformat.write(notebook, path)


def clean(notebook: NotebookNode) -> None:
    """Take out what differs from run to run: widget models, time stamps, the exact Python."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # A view without its model opens as "model not found"; without the view, the still picture is shown.
            if len(output.get("data", {})) > 1:
                output.data.pop(WIDGET_VIEW, None)


def main() -> int:
    """Run what was named, or everything; the exit status says whether all of it ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: the whole course")
    failed = 0
    for path in parser.parse_args().notebooks or course():
        print(path, flush=True)
        try:
            run(path)
        except CellExecutionError as error:
            failed += 1
            print(f"{path} is left as it was, for a cell raised:\n{error}", file=sys.stderr)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
