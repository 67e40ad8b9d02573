"""The class's report counts what the verdicts say."""

import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.exercises import Verdict
from course.grading.report import summarize


def test_passes_and_misconceptions_are_counted():
    right = Verdict("a", 5, 5, "")
    wrong = Verdict("a", 0, 5, "you forgot the sign.", "sign")
    other = Verdict("a", 0, 5, "you forgot the root.", "root")
    vague = Verdict("b", 0, 5, "got shape (3,).")
    a, b = summarize([[right, vague], [wrong, vague], [other, vague], [wrong, Verdict("b", 5, 5, "")]])
    assert (a.exercise, a.passed, a.submissions) == ("a", 1, 4)
    assert a.misconceptions == [("sign", 2, "you forgot the sign."), ("root", 1, "you forgot the root.")]
    assert (b.passed, b.misconceptions) == (1, [])
