"""The command `dlnb`: `lab` opens the course, `data` looks after the data sets, `doctor` after the installation, `progress` takes
progress along; for teachers, `release` writes the course for a class, and `report` shows how the class does.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from .course.chapters import BACKUP, CARRIED, Shelf, is_course
from .course.views import BEGIN, learners_file

# Settings for a newcomer's first page, such as no question about news over it; the user's own still win.
SETTINGS = Path(__file__).parent / "course" / "jupyter"
SOLVED = CARRIED.with_name("solved")  # the course with its solutions, as the wheel carries it
BESIDE = Path(__file__).parents[1] / "notebooks"  # the course in a clone that was installed with `pip install -e`


class UsageError(Exception):
    """The command cannot be done; the message says why and what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    own, further = _split(given)
    arguments = _parser().parse_args(own)
    try:
        if arguments.command == "lab":
            return lab(arguments.folder, ["--no-browser"] * arguments.no_browser + further)
        if arguments.command == "doctor":
            return doctor()
        if arguments.command == "progress":
            return progress(arguments.action, arguments.file, getattr(arguments, "name", ""))
        if arguments.command == "release":
            return release(arguments.to, arguments.course, arguments.force)
        if arguments.command == "report":
            return report(arguments.files, arguments.csv)
        return data(arguments.action, getattr(arguments, "name", None))
    except UsageError as error:
        print(f"dlnb: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dlnb",
        description="A course in deep learning that is taken inside JupyterLab.",
        epilog="Begin with “dlnb lab”. It opens the course in your browser; Ctrl+C in the terminal ends it.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    lab_parser = commands.add_parser(
        "lab",
        help="open the course in JupyterLab",
        description="Opens the course in JupyterLab, at its first chapter, with the list of chapters on the left.",
        epilog="All further options go to JupyterLab, for example: dlnb lab --port 9999. In a container whose port "
        "is published, add: --no-browser --ip 0.0.0.0. The address to open, with its token, is printed at the start.",
        usage="dlnb lab [folder] [--no-browser] [options of jupyter lab]",
    )
    lab_parser.add_argument(
        "folder",
        nargs="?",
        help="where the course is, or where to put a copy of it to work in (default: dlnb-course, in the clone "
        "you are in or else in your home folder); files that are there are never overwritten. “dlnb lab .” opens a "
        "clone itself, with its solutions",
    )
    lab_parser.add_argument("--no-browser", action="store_true", help="only print the address, open no browser")

    commands.add_parser(
        "doctor",
        help="check the installation, and say what to do where something is wrong",
        description="Looks at Python, the packages, JupyterLab's extensions, the GPU, memory, disk, your progress and the data "
        "sets, and says of each how it is. Where something is wrong it says what to do. It changes nothing.",
    )

    progress_parser = commands.add_parser(
        "progress",
        help="take your progress along, or put it together with what is here",
        description="Your progress lies in a file of your own on this machine. A Binder session forgets it: export it before you go.",
    )
    ways = progress_parser.add_subparsers(dest="action", required=True, metavar="action")
    way = ways.add_parser("export", help="write your progress to a file", description="Write your progress to a JSON file. For a teacher: dlnb progress export ada.json --name Ada")
    way.add_argument("file", type=Path, help="the file to write; it must not be there yet")
    way.add_argument("--name", default="", help="your name, for a teacher who puts a class together")
    way = ways.add_parser("import", help="add the progress of a file", description="Add exported progress to what is here; nothing here is lost.")
    way.add_argument("file", type=Path, help="a file that “dlnb progress export” wrote")

    data_parser = commands.add_parser(
        "data",
        help="list and fetch the data sets of the labs",
        description="The labs use real data sets. Each is fetched once, checked, and kept for the next time. "
        "The chapters need none of them.",
    )
    actions = data_parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("list", help="list the data sets: what they are, their size and their licence")
    for action, words in (
        ("get", "fetch a data set if it is not there, check it, and print its files"),
        ("path", "print only the folder in which a data set lies; fetches it first if it is not there"),
    ):
        parser_of_action = actions.add_parser(action, help=words, description=words[0].upper() + words[1:] + ".")
        parser_of_action.add_argument("name", help="the name of the data set, as “dlnb data list” shows it")

    release_parser = commands.add_parser(
        "release",
        help="for teachers: write the course for a class, and the answers for you",
        description="Writes two folders. “learner” is what you hand out: every exercise is a cell to fill in, and everything runs "
        "before it is. “teacher” is for you: answers.md has all answers on one page, and the folder is a course of nbgrader, whose "
        "checks give points.",
        epilog="Without nbgrader: hand out “learner”, let the class send you what “dlnb progress export” writes, and read “dlnb "
        "report”. With nbgrader: go into “teacher”, and begin with: nbgrader generate_assignment 10_image_classification",
    )
    release_parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="the folder to write; a new or an empty one")
    release_parser.add_argument("--force", action="store_true", help="bring a release that is in FOLDER up to date; a file that you have changed is kept under another name")
    release_parser.add_argument("--course", type=Path, metavar="FOLDER", help="the folder of the course with its solutions (default: the clone you are in, else the course that came with dlnb)")

    report_parser = commands.add_parser(
        "report",
        help="for teachers: one table of a class, from exported progress",
        description="One row a learner: how many cells have run, how each exercise went, and when they were last there. "
        "“2 (1 hint)” was solved with the second answer and a hint; “shown” only after a look at the solution. "
        "Of a quiz, “5 of 7” questions were answered right at the first try.",
    )
    report_parser.add_argument("files", type=Path, nargs="+", help="files that learners exported, or folders of them")
    report_parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table to FILE, for a spreadsheet, instead of showing it")
    return parser


def _split(given: list[str]) -> tuple[list[str], list[str]]:
    """Our own arguments of `lab`, and those for JupyterLab: from the first option that is not ours."""
    if given[:1] != ["lab"]:
        return given, []
    for at, argument in enumerate(given):
        if argument == "--":
            return given[:at], given[at + 1 :]
        if argument.startswith("-") and argument not in ("-h", "--help", "--no-browser"):
            return given[:at], given[at:]
    return given, []


def lab(folder: str | None, further: list[str]) -> int:
    """Open the course in JupyterLab; returns when JupyterLab ends."""
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [os.environ.get("JUPYTER_CONFIG_PATH"), str(SETTINGS)])
    )
    from jupyterlab.labapp import LabApp

    root = course_root(Path(folder).expanduser() if folder else None)
    LabApp.launch_instance(argv=lab_arguments(root, further))
    return 0


def lab_arguments(root: Path, further: list[str]) -> list[str]:
    """The arguments of `jupyter lab` that show the course below `root`, before the user's own."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    own = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url={first_page(root)}"]
    return own + ["--allow-root"] * is_root + further


def first_page(root: Path, course: Path | None = None) -> str:
    """Where JupyterLab opens: at the first chapter that can be read, of the course below `root`, or of `course`."""
    course = course or (root / "notebooks" if is_course(root / "notebooks") else root)
    readable = [chapter for chapter in Shelf(course).chapters() if not chapter.error]
    if not readable:
        return "/lab"
    return f"/lab/tree/{quote((course / readable[0].path).relative_to(root).as_posix())}"


def course_root(folder: Path | None, here: Path | None = None, carried: Path | None = None) -> Path:
    """The folder to show: one that is named as it is, else a copy of the clone's course, or of the one that dlnb carries.

    A copy has no solutions. What is in it already stays.
    Raises: UsageError if there is no course to show or the copy cannot be made.
    """
    known = folder or (Path.cwd() if here is None else here)
    is_known = is_course(known / "notebooks") or is_course(known)
    if is_known and (folder or not _is_solved(known / "notebooks")):
        return known.resolve()
    places = [known / "notebooks"] if is_known else [carried or CARRIED, BESIDE]
    source = next((place for place in places if is_course(place)), None)
    target = known / "dlnb-course" if is_known else folder or Path.home() / "dlnb-course"
    if source is None:
        if is_course(target):
            return target.resolve()
        raise UsageError(
            f"there is no course in {known}. Go to the folder of the clone, or install dlnb again."
        )
    try:
        copied = copy_course(source, target)
    except OSError as error:
        raise UsageError(
            f"the course cannot be copied to {target}: {error.strerror or error}. Name another folder."
        ) from error
    if copied:
        print(f"dlnb: {copied} files of the course were copied to {target}, without solutions", file=sys.stderr)
    return target.resolve()


def copy_course(source: Path, target: Path) -> int:
    """Copy what is not there yet, notebooks as learners get them; a file that is there stays as it is. Returns the number copied."""
    copied = 0
    for file in sorted(source.rglob("*")):
        own = target / file.relative_to(source)
        if not file.is_file() or ".ipynb_checkpoints" in file.parts or BACKUP in file.name or own.exists():
            continue
        own.parent.mkdir(parents=True, exist_ok=True)
        part = own.with_name(f".{own.name}.{os.getpid()}.part")  # so that a kill leaves no half of a notebook
        part.write_bytes(learners_file(file.read_bytes()) if file.suffix == ".ipynb" else file.read_bytes())
        part.replace(own)
        copied += 1
    return copied


def _is_solved(course: Path) -> bool:
    """Whether the chapters of a course hold solutions."""
    return any(BEGIN.encode() in file.read_bytes() for file in course.glob("*.ipynb"))


def doctor() -> int:
    """Say how the installation is. Returns 1 if something is wrong, 0 if not."""
    from .course.doctor import examine, report

    return int(report(examine()) > 0)


def progress(action: str, file: Path, name: str) -> int:
    """Export the learner's progress to a file, or add that of a file."""
    from .course.portable import NoProgress, exported, merged
    from .course.progress import Progress, ProgressUnavailable

    try:
        if action == "export":
            text = exported(Progress(), name)
            with file.open("x", encoding="utf-8") as out:
                out.write(text)
            print(f"Your progress was written to {file}.")
        else:
            cells, exercises, questions = merged(Progress(), file.read_text(encoding="utf-8"))
            print(f"The progress of {cells} cells, {exercises} exercises and {questions} questions of quizzes was added to yours.")
    except FileExistsError:
        raise UsageError(f"{file} is there already. Name another file.") from None
    except (OSError, UnicodeDecodeError, NoProgress, ProgressUnavailable) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{file}: {words}.") from error
    return 0


def release(folder: Path, course: Path | None, again: bool) -> int:
    """Write the learner's and the teacher's view of the course."""
    from .course.release import NotReleased
    from .course.release import release as written

    places = [course] if course else [Path.cwd() / "notebooks", Path.cwd(), SOLVED, BESIDE]
    source = next((place for place in places if is_course(place)), None)
    if source is None:
        raise UsageError(f"there is no course in {course or Path.cwd()}. Name its folder with --course.")
    try:
        notebooks, kept = written(source, folder, again)
    except NotReleased as error:
        raise UsageError(f"{error}.") from error
    for file in kept:
        print(f"dlnb: you had changed a file; your version is now {file}", file=sys.stderr)
    print(f"{notebooks} notebooks are in {folder}. Hand out {folder / 'learner'}; the answers are in {folder / 'teacher' / 'answers.md'}.")
    return 0


def report(files: list[Path], target: Path | None) -> int:
    """Print one table of a class, or write it as CSV. Returns 1 if no file could be read."""
    from .course.report import as_csv, as_text, learners, table

    people, refused = learners(files)
    for words in refused:
        print(f"dlnb: left out {words}", file=sys.stderr)
    if not people:
        raise UsageError("no exported progress was found. Learners make it with: dlnb progress export FILE --name NAME")
    if target is None:
        print(as_text(table(people)))
        return 0
    try:
        target.write_text(as_csv(table(people)), encoding="utf-8-sig")  # the mark by which Excel knows UTF-8
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}.") from error
    print(f"dlnb: the table of {len(people)} learner{'s' * (len(people) != 1)} was written to {target}", file=sys.stderr)
    return 0


def data(action: str, name: str | None) -> int:
    """List the data sets, or fetch one and print where it is."""
    from .data import store

    if action == "list":
        for dataset in store.sets().values():
            print(dataset)
        return 0
    if name not in store.sets():
        raise UsageError(f"there is no data set {name!r}. There are: {', '.join(sorted(store.sets()))}.")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # so that $(dlnb data path mnist) is a path and nothing else
            files = store.fetch(name)
    except store.DataError as error:
        raise UsageError(str(error)) from error
    found = files.values() if action == "get" else dict.fromkeys(file.parent for file in files.values())
    for path in found:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
