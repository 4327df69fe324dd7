"""Binder: repo2docker takes the files in binder/ and would build what the course is tested with."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = (ROOT / "binder" / "environment.yml").read_text()
POST_BUILD = ROOT / "binder" / "postBuild"


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    """The Dockerfile that repo2docker would build, rendered without a Docker engine."""
    # A folder with binder/ and nothing else: repo2docker looks nowhere else when there is one.
    repository = tmp_path_factory.mktemp("repository")
    (repository / "binder").symlink_to(ROOT / "binder")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(repository)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_repo2docker_builds_a_python_of_the_course_from_our_environment(dockerfile):
    version = re.search(r"Building conda environment for python=3\.(\d+)", dockerfile)
    assert version and 11 <= int(version[1]) <= 13
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile


def test_repo2docker_runs_our_post_build(dockerfile):
    assert "RUN ./binder/postBuild" in dockerfile
    assert os.access(POST_BUILD, os.X_OK)


def test_pytorch_is_the_cpu_build_of_the_version_the_course_is_tested_with():
    tested = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert f"- torch=={tested[1]}+cpu\n" in ENVIRONMENT
    assert "https://download.pytorch.org/whl/cpu" in ENVIRONMENT


def test_nothing_is_kept_in_a_cache_that_the_image_would_carry():
    installs = [line for line in POST_BUILD.read_text().splitlines() if line.startswith("pip install")]
    assert installs
    assert all("--no-cache-dir" in line and "--constraint constraints.txt" in line for line in installs)


def test_a_session_opens_at_the_first_chapter_of_a_copy_without_solutions(tmp_path):
    repository, prefix = tmp_path / "repository", tmp_path / "prefix"
    shutil.copytree(ROOT / "notebooks", repository / "notebooks")
    (prefix / "etc/jupyter/jupyter_server_config.d").mkdir(parents=True)
    script = re.search(r"^python - <<'EOF'\n(.*?)^EOF$", POST_BUILD.read_text(), flags=re.MULTILINE | re.DOTALL)[1]
    code = f"import sys; sys.prefix = {str(prefix)!r}\n{script}"
    subprocess.run([sys.executable, "-c", code], cwd=repository, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    told = json.loads((prefix / "etc/jupyter/jupyter_server_config.d/dlnb-binder.json").read_text())
    page = told["ServerApp"]["default_url"].removeprefix("/lab/tree/")
    assert told["Dlnb"]["course"] == "dlnb-course" and page.startswith("dlnb-course/")
    assert "SOLUTION" not in (repository / page).read_text()
    assert page in (ROOT / "README.md").read_text()  # the file that is named for Binder
