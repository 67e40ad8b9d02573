"""Cases and observations are the same before and after they were sent, and so is every verdict."""

import json
from dataclasses import fields

import pytest
import torch
from safetensors.torch import save

from course.exercises import assignments, load
from course.exercises.case import Case, FunctionSpec, Seed
from course.exercises.check import all_cases, judged
from course.exercises.exercise import Exercise
from course.exercises.messages import ObservationError, pack_cases, pack_observations, unpack_cases, unpack_observations
from course.exercises.observation import Facts, Observation, Raised
from course.exercises.observe import observe_all
from tools.calibrate import judged_elsewhere

EXERCISES = [exercise for assignment in assignments() for exercise in load(assignment).values()]
FUNCTIONS = [
    (exercise, function)
    for exercise in EXERCISES
    for function in (*exercise.all_right, *(one.function for one in exercise.misconceptions))
]


def name(value: object) -> str:
    return getattr(value, "name", getattr(value, "__name__", ""))


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "function"), FUNCTIONS, ids=name)
def test_a_verdict_is_the_same_through_messages(exercise: Exercise, function):
    cases = all_cases(exercise, 3)
    here = judged(exercise, cases, observe_all(function, cases), 3)
    assert judged_elsewhere(exercise, function, cases, 3) == here


def test_a_case_is_the_same_when_it_was_sent():
    x = torch.randn(2, 3, 4).mT
    arguments = {"x": x, "sizes": [1, 0.5], "lent": [FunctionSpec("Minus", {"a": x[0]}), Seed(3)]}
    before = Case(arguments, True, ("x",), 2.0, 7)
    (after,) = unpack_cases(pack_cases([before]))
    assert torch.equal(after.arguments.pop("x"), x)
    assert unpack_cases(pack_cases([before]))[0].arguments["x"].stride() == x.stride()
    lent, seed = after.arguments["lent"]
    assert (lent.name, seed, torch.equal(lent.tensors["a"], x[0])) == ("Minus", Seed(3), True)
    assert (after.arguments["sizes"], after.no_grad, after.gradients) == ([1, 0.5], True, ("x",))
    assert (after.magnitude, after.room) == (2.0, 7)


def test_facts_are_the_same_when_they_were_sent():
    everything = {"raised": Raised("E", "a\x1b[2J\n" * 200, "x = 1", True), "calls": {"score": 2}}
    texts = ("returned", "changed", "shares", "unmoved", "overwrote", "times", "uses")
    facts = Facts(**everything, **dict.fromkeys(texts, ["x"] * 99), printed=10**20, drew=True, repeats=True, held=9)
    assert all(getattr(facts, one.name) for one in fields(Facts) if one.name != "attached")
    assert unpack_observations(pack_observations([Observation({}, facts)]), 1)[0].facts == facts
    assert (len(facts.changed), facts.printed, facts.raised.text[:7]) == (16, 10**12, "a\ufffd[2J a")


@pytest.mark.parametrize(
    "facts",
    [
        {},
        [],
        None,
        {"returned": "tensor"},
        {"returned": [1]},
        {"returned": ["list"], "drew": 1},
        {"raised": {"line": 3}},
        {"returned": ["list"], "calls": {"f": "twice"}},
        {"returned": ["list"], "never heard of": True},
    ],
    ids=str,
)
def test_what_is_no_observation_is_refused(facts):
    head = json.dumps([{"facts": facts, "devices": {}}]).encode()
    with pytest.raises(ObservationError):
        unpack_observations(len(head).to_bytes(8, "big") + head + save({}), 1)
