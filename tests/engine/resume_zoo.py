"""Goes on with every saved run of a folder, in a process of its own: `python -m tests.engine.resume_zoo FOLDER STEPS`."""

import json
import sys
from pathlib import Path

import dlnb as dl

from .zoo import CASES, Case


def resume(case: Case, path: Path, steps: int) -> list[float] | str:
    """The losses of the run after so many more steps; the error in words if it cannot be loaded."""
    model, task = case.make()
    own = {name: case.arguments[name] for name in ("optimizer", "schedule") if callable(case.arguments.get(name))}
    try:
        run = dl.Run.load(path, model, task, **own)
        run.step(steps)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return run.history["loss"].tolist()


if __name__ == "__main__":
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    found = {case.name: folder / f"{number}.run" for number, case in enumerate(CASES)}
    print(json.dumps({case.name: resume(case, found[case.name], steps) for case in CASES if found[case.name].exists()}))
