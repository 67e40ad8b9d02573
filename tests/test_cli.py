"""The command `course`, as typed."""

import sys

from typer.testing import CliRunner

from course.cli import app


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def test_doctor_finds_the_data_and_pytorch():
    result = run("doctor")
    assert "✓ MNIST: 10,000 digits" in result.output
    assert "✓ PyTorch" in result.output


def test_without_nbgrader_an_instructors_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.apps", None)
    monkeypatch.delitem(sys.modules, "course.grading.classroom", raising=False)
    result = run("release")
    assert result.exit_code == 1
    assert "pip install 'score-course[instructor]'" in result.output
    assert "Traceback" not in result.output


def test_outside_a_course_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("release")
    assert result.exit_code == 1
    assert "There is no nbgrader_config.py in" in result.output
