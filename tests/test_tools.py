"""The tools that prove the checks: they find what is wrong, and say so by their exit status."""

from course.exercises import load
from tools import calibrate, mutate


def test_a_calibrated_exercise_is_all_caught_and_named():
    found = calibrate.calibrate("hw2", "start_negatives", seeds=2)
    assert found.good
    assert found.misconceptions == len(load("hw2")["start_negatives"].misconceptions)
    assert found.row[0] == "`start_negatives`"


def test_a_right_version_that_fails_is_a_false_failure(monkeypatch):
    exercise = load("hw2")["start_negatives"]
    wrong = exercise.misconceptions[0]
    monkeypatch.setattr(exercise, "variants", [type(wrong)("wrong", exercise.answer, rewrite=wrong.function)])
    found = calibrate.calibrate("hw2", "start_negatives", seeds=2)
    assert found.false_failures == 2
    assert not found.good


def test_every_mutant_is_killed_or_explained():
    found = mutate.tried("hw2", "langevin_step")
    assert found.mutants > 20
    assert found.unexplained == 0


def test_a_survivor_without_a_reason_is_unexplained(monkeypatch):
    exercise = load("hw2")["langevin_step"]
    monkeypatch.setattr(exercise, "cases", lambda draw: [])
    found = mutate.tried("hw2", "langevin_step")
    assert found.unexplained == len(found.alive) == found.mutants
    assert "**not explained**" in mutate.section("hw2", [found])
