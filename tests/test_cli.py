"""The command `course`, as typed."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from course.cli import app
from course.extras import remedy


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def test_doctor_finds_the_data_and_pytorch():
    result = run("doctor")
    assert "✓ MNIST: 10,000 digits" in result.output
    assert "✓ PyTorch" in result.output


def test_doctor_looks_at_what_grading_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.db_url = 'postgresql://a:pw@b/c'\n"
    )
    shown = run("doctor").output
    if sys.platform == "linux":
        assert "✗ bubblewrap is missing, so nothing is graded unless it is trusted (--no-sandbox)" in shown
    assert "✓ nbgrader_config.py here: 0 assignments, gradebook postgresql://a:***@b/c" in shown
    (tmp_path / "nbgrader_config.py").write_text("c = nobody_knows\n")
    result = run("doctor")
    assert "✗ nbgrader_config.py here cannot be used: NameError: name 'nobody_knows' is not defined" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_where_a_terminal_lacks_signs_words_stand_for_them(encoding):
    """A Windows console or an old locale: no crash, and the sentence stays readable."""
    command = [sys.executable, "-c", "import course.cli, typer; course.cli.main(); typer.echo('✓ √(2ε) → 1 · Σ é')"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    shown = subprocess.run(command, capture_output=True, check=True, env=environment).stdout.decode(encoding).strip()
    assert shown.startswith("+ sqrt(2epsilon) -> 1")
    assert "sigma" in shown


def test_remedies_name_packages_that_an_index_has():
    assert remedy("lab") == "pip install 'jupyterlab>=4.2'"
    assert "'nbgrader>=" in remedy("instructor")
    assert "score-course" not in remedy("instructor")


def test_without_nbgrader_an_instructors_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.apps", None)
    monkeypatch.delitem(sys.modules, "course.grading.course_folder", raising=False)
    result = run("release")
    assert result.exit_code == 1
    assert "needs nbgrader: `pip install 'cryptography" in result.output
    assert "'nbgrader>=" in result.output
    assert "Traceback" not in result.output


def test_outside_a_course_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("release")
    assert result.exit_code == 1
    assert "There is no nbgrader_config.py in" in result.output


def test_train_makes_a_network_where_it_is_told(tmp_path):
    result = run("train", "noisy_classifier", "--steps", "2", "--folder", str(tmp_path))
    assert result.exit_code == 0
    assert "Logits of digits under noise σ; 2 steps in" in result.output
    assert (tmp_path / "noisy_classifier.safetensors").is_file()


def test_train_lists_what_there_is():
    result = run("train", "nothing")
    assert result.exit_code == 1
    assert "There is no network 'nothing'; there are classifier, edm, vp" in result.output
    assert "Traceback" not in result.output
