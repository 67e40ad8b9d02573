"""What was never listed is explained all the same: two mistakes, one small slip, or what the result depends on."""

import math

import pytest
import torch

from course.exercises import begin, check_exercise, load

STEP = load("hw2")["langevin_step"]


def said(function) -> str:
    return check_exercise(STEP, function).sentence


def two_mistakes(x, score, step_size, noise):
    return x - step_size * score(x) + math.sqrt(step_size) * noise


def test_two_listed_mistakes_at_once_are_both_named():
    sentence = said(two_mistakes)
    assert sentence.startswith("two things are wrong: ")
    assert "√ε" in sentence
    assert "you walk down the score" in sentence


SLIPS = {
    lambda x, score, step_size, noise: x + step_size * score(x) + math.sqrt(2 * step_size) * noise / 2: (
        "right but for one thing: the part with `noise` and `step_size` is half what it should be."
    ),
    lambda x, score, step_size, noise: x + step_size**2 * score(x) + math.sqrt(2 * step_size) * noise: (
        "right but for one thing: the part with `step_size` enters squared."
    ),
    lambda x, score, step_size, noise: x + step_size * score(x) + math.sqrt(2 * step_size) * noise.flip(0): (
        "right but for one thing: the part with `noise` and `step_size` enters in reverse order."
    ),
    lambda x, score, step_size, noise: x + step_size * score(noise) + math.sqrt(2 * step_size) * noise: (
        "right but for one thing: `noise` is used where `x` belongs."
    ),
}


@pytest.mark.parametrize(("function", "sentence"), SLIPS.items(), ids=range(len(SLIPS)))
def test_one_small_slip_is_named_with_its_ingredient(function, sentence):
    assert said(function) == sentence


def scaled(x, score, step_size, noise):
    return x + step_size * score(x) + 1.1 * math.sqrt(2 * step_size) * noise


def over_the_batch(x, score, step_size, noise):
    return x + step_size * score(x) + math.sqrt(2 * step_size) * noise / noise.std()


def step_ignored(x, score, step_size, noise):
    return x + 0.05 * score(x) + math.sqrt(0.1) * noise


def test_what_a_result_depends_on_is_named():
    assert said(scaled).startswith(
        "what `noise` contributes to your result is 1.1 times what it should be: it enters with "
    )
    assert said(over_the_batch) == (
        "row 0 of your result changes when the other rows do: something is taken over the whole batch."
    )
    assert said(step_ignored) == "your result does not depend on `step_size`."


def test_no_sentence_where_none_is_true():
    """Wrong in a way that is no small change: the numbers alone, which say where and by how much."""

    def wild(x, score, step_size, noise):
        return x + torch.sin(3 * x) * score(x.roll(1, 0)).cos() - noise.exp() * step_size

    assert "the largest error is" in said(wild) or "row 0" in said(wild)


def test_an_earlier_function_that_fails_is_blamed_before_a_slip_is_looked_for():
    known = {name: exercise.answer for name, exercise in load("hw2").items()}
    notebook = {"torch": torch, **known}
    exec(
        "def langevin_step(x, score, step_size, noise):\n    return x + step_size * score(x) + 3 * noise\n"
        "def mala_step(x, log_prob, score, step_size, noise, uniform):\n"
        "    proposal = langevin_step(x, score, step_size, noise)\n"
        "    accepted = uniform.log() < mala_log_accept(x, proposal, log_prob, score, step_size)\n"
        "    return torch.where(accepted.reshape(-1, *[1] * (x.ndim - 1)), proposal, x), accepted\n",
        notebook,
    )
    check = begin("hw2", notebook)
    assert check(notebook["mala_step"]).sentence == "your `langevin_step` does not pass its own check: mend that first."
