"""The command `dlnb`: what a newcomer types, and what it must never overwrite."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlnb import cli
from dlnb.course.views import learners_file
from dlnb.data import store


def write(file: Path, title: str = "# A title") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell(title)], metadata={"dlnb": {}}), file)
    return file


@pytest.fixture
def carried(tmp_path):
    """The course as a wheel carries it."""
    write(tmp_path / "carried" / "10_images.ipynb")
    write(tmp_path / "carried" / "labs" / "10_mnist.ipynb")
    write(tmp_path / "carried" / ".ipynb_checkpoints" / "10_images-checkpoint.ipynb")
    return tmp_path / "carried"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["dlnb lab", "open the course in JupyterLab", "data sets"]),
        (["lab", "--help"], ["--no-browser", "first chapter", "never overwritten", "--ip 0.0.0.0"]),
        (["data", "--help"], ["list", "get", "path"]),
        (["data", "get", "--help"], ["name"]),
        (["progress", "export", "--help"], ["JSON file", "--name Ada"]),
        (["release", "--help"], ["--to", "hand out", "answers.md", "nbgrader generate_assignment", "dlnb report"]),
        (["report", "--help"], ["One row a learner", "folders of them", "spreadsheet"]),
    ],
)
def test_help_says_what_a_newcomer_needs(capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert [word for word in words if word not in text] == []


def test_the_module_can_be_run_and_loads_no_torch():
    code = "import sys, dlnb.cli\ntry: dlnb.cli.main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
    run = subprocess.run([sys.executable, "-m", "dlnb.cli", "data", "list"], capture_output=True, text=True)
    assert run.returncode == 0
    assert "mnist" in run.stdout


@pytest.mark.parametrize(
    ("given", "own", "further"),
    [
        (["lab"], ["lab"], []),
        (["lab", "folder"], ["lab", "folder"], []),
        (["lab", "--no-browser"], ["lab", "--no-browser"], []),
        (["lab", "--port", "9999"], ["lab"], ["--port", "9999"]),
        (["lab", "folder", "--no-browser", "--port=1"], ["lab", "folder", "--no-browser"], ["--port=1"]),
        (["lab", "--ip", "0.0.0.0", "--no-browser"], ["lab"], ["--ip", "0.0.0.0", "--no-browser"]),
        (["lab", "--", "--help-all"], ["lab"], ["--help-all"]),
        (["data", "get", "--odd"], ["data", "get", "--odd"], []),
    ],
)
def test_options_that_are_not_ours_go_to_jupyterlab(given, own, further):
    assert cli._split(given) == (own, further)


def test_a_clone_is_opened_as_it_is(tmp_path, carried):
    clone = write(tmp_path / "clone" / "notebooks" / "10_images.ipynb").parents[1]
    assert cli.course_root(None, here=clone, carried=carried) == clone
    assert cli.course_root(clone, here=tmp_path, carried=carried) == clone
    assert sorted(file.name for file in clone.rglob("*.ipynb")) == ["10_images.ipynb"]


def test_in_a_clone_with_solutions_learners_get_a_copy_without_them(tmp_path, carried, capsys):
    notebook = new_notebook(metadata={"dlnb": {}})
    notebook.cells = [new_code_cell("a = None\n### BEGIN SOLUTION\na = 1\n### END SOLUTION", metadata={"nbgrader": {"solution": True}})]
    clone = tmp_path / "clone"
    (clone / "notebooks" / "quizzes").mkdir(parents=True)
    (clone / "notebooks" / "quizzes" / "10.toml").write_text("[[question]]")
    nbformat.write(notebook, clone / "notebooks" / "10_images.ipynb")
    nbformat.write(notebook, clone / "notebooks" / "10_images.backup-20260101-000000.ipynb")
    root = cli.course_root(None, here=clone, carried=carried)
    assert root == clone / "dlnb-course" and "without solutions" in capsys.readouterr().err
    assert sorted(file.name for file in root.rglob("*") if file.is_file()) == ["10.toml", "10_images.ipynb"]
    (cell,) = nbformat.read(root / "10_images.ipynb", as_version=4).cells
    assert cell.source == "a = None\n# Your code here"
    (root / "10_images.ipynb").write_text("my work")
    assert cli.course_root(None, here=clone, carried=carried) == root
    assert (root / "10_images.ipynb").read_text() == "my work"
    assert cli.course_root(clone, here=clone, carried=carried) == clone  # dlnb lab .


def test_a_notebook_without_exercises_is_copied_to_the_byte():
    for file in cli.BESIDE.rglob("*.ipynb"):
        if b"nbgrader" not in file.read_bytes():
            assert learners_file(file.read_bytes()) == file.read_bytes()
    assert learners_file(b"no JSON") == b"no JSON" and learners_file(b"[]") == b"[]"


def test_without_a_clone_the_course_is_copied_to_the_home_folder(tmp_path, carried, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = cli.course_root(None, here=tmp_path, carried=carried)
    assert root == tmp_path / "home" / "dlnb-course"
    copied = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
    assert copied == ["10_images.ipynb", "labs/10_mnist.ipynb"]
    assert "2 files" in capsys.readouterr().err


def test_a_second_start_keeps_the_learners_work_and_adds_new_chapters(tmp_path, carried, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = cli.course_root(None, here=tmp_path, carried=carried)
    (root / "10_images.ipynb").write_text("my work")
    write(carried / "11_boxes.ipynb")
    assert cli.course_root(None, here=tmp_path, carried=carried) == root
    assert (root / "10_images.ipynb").read_text() == "my work"
    assert (root / "11_boxes.ipynb").exists()


def test_a_named_folder_that_holds_other_files_keeps_them(tmp_path, carried):
    mine = tmp_path / "mine"
    (mine / "labs").mkdir(parents=True)
    (mine / "labs" / "10_mnist.ipynb").write_text("my work")
    assert cli.course_root(mine, here=tmp_path, carried=carried) == mine
    assert (mine / "labs" / "10_mnist.ipynb").read_text() == "my work"
    assert (mine / "10_images.ipynb").exists()


def test_a_folder_that_cannot_be_written_is_an_error_in_words(tmp_path, carried):
    (tmp_path / "file").write_text("")
    with pytest.raises(cli.UsageError, match="cannot be copied"):
        cli.course_root(tmp_path / "file", here=tmp_path, carried=carried)


def test_no_course_anywhere_is_an_error_in_words(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli, "CARRIED", tmp_path / "none")
    monkeypatch.setattr(cli, "BESIDE", tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 2
    assert "there is no course in" in capsys.readouterr().err


def test_jupyterlab_opens_at_the_first_chapter_that_can_be_read(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_broken.ipynb").write_text("{")
    write(tmp_path / "notebooks" / "10_image classes.ipynb")
    arguments = cli.lab_arguments(tmp_path, ["--port=1"])
    assert f"--ServerApp.root_dir={tmp_path}" in arguments
    assert "--LabApp.default_url=/lab/tree/notebooks/10_image%20classes.ipynb" in arguments
    assert arguments[-1] == "--port=1"
    assert ("--allow-root" in arguments) == (os.geteuid() == 0)


def test_dlnb_lab_starts_a_server_and_prints_its_address(tmp_path):
    write(tmp_path / "clone" / "notebooks" / "10_images.ipynb")
    surroundings = {**os.environ, "HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    command = [sys.executable, "-m", "dlnb.cli", "lab", str(tmp_path / "clone"), "--no-browser", "--ServerApp.port=0"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env=surroundings, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            address = r"http://\S+/lab/tree/notebooks/10_images\.ipynb\?token=\w+"
            while not re.search(address, (tmp_path / "log").read_text()):
                assert server.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.1)
        finally:
            server.terminate()
            server.wait(20)


def test_data_path_prints_the_folder_and_nothing_else(tmp_path, capsys, monkeypatch):
    files = {"a.gz": tmp_path / "toy" / "a.gz", "b.gz": tmp_path / "toy" / "b.gz"}

    def fetch(name):
        print("fetching")
        return files

    monkeypatch.setattr(store, "sets", lambda: {"toy": "a toy set"})
    monkeypatch.setattr(store, "fetch", fetch)
    assert cli.main(["data", "path", "toy"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'toy'}\n"
    assert cli.main(["data", "get", "toy"]) == 0
    assert capsys.readouterr().out == f"{files['a.gz']}\n{files['b.gz']}\n"
    assert cli.main(["data", "list"]) == 0
    assert capsys.readouterr().out == "a toy set\n"


def test_an_unknown_data_set_is_an_error_in_words(capsys):
    assert cli.main(["data", "get", "moon"]) == 2
    assert "there is no data set 'moon'. There are: " in capsys.readouterr().err
