"""Prints the path of a Chromium for the browser tests; installs one where none is to be found.

In this order: $DLNB_CHROMIUM, a browser on PATH, Debian's package when root, Playwright's own download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
HELP = """\
No Chromium was found and none could be installed. Do one of these and try again:
  - install Chromium or Google Chrome so that `chromium` or `google-chrome` is on PATH;
  - on Debian or Ubuntu: sudo apt-get install chromium;
  - set DLNB_CHROMIUM to the path of a browser built on Chromium;
  - leave the browser tests out: make test ONLY=lint,types,typescript,front,unit,engine,server,notebooks."""


class NoChromium(RuntimeError):
    """No browser is here and none could be had."""


def chromium() -> str:
    """The path of a Chromium that starts.

    Raises: NoChromium with what to do about it.
    """
    chosen = os.environ.get("DLNB_CHROMIUM")
    if chosen:
        if not _starts(chosen):
            raise NoChromium(f"DLNB_CHROMIUM is {chosen}, and that does not start: `{chosen} --version` failed.")
        return chosen
    for find in (_on_path, _from_debian, _from_playwright):
        path = find()
        if path and _starts(path):
            return path
    raise NoChromium(HELP)


def _starts(path: str) -> bool:
    """True when the program is there and tells its version; a stub that only says what to install does not."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _on_path() -> str | None:
    found = next((path for path in map(shutil.which, NAMES) if path and _starts(path)), None)
    return found or (str(MAC) if MAC.is_file() else None)


def _from_debian() -> str | None:
    """Installs Debian's package. Only as root: asking for a password is no part of `make test`."""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    print("Installing Chromium with apt-get", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (
        ["update"],
        ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ):
        done = _quietly(["apt-get", "-qq", *arguments], environment)
        if not done:
            return None
    return shutil.which("chromium")


def _from_playwright() -> str | None:
    print("Installing Chromium with Playwright", file=sys.stderr)
    if not _quietly([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ)):
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        return driver.chromium.executable_path


def _quietly(command: list[str], environment: dict[str, str]) -> bool:
    """Run a command; show what it said only if it failed. True when it did not."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        print(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}", file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    try:
        print(chromium())
    except NoChromium as error:
        sys.exit(str(error))
