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
    monkeypatch.delitem(sys.modules, "course.grading.course_folder", raising=False)
    result = run("release")
    assert result.exit_code == 1
    assert "pip install 'score-course[instructor]'" in result.output
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
