"""Functions that are handed over: how often they are called, at which times, and what becomes of their results."""

import pytest
import torch

from course.exercises import check_exercise, load
from course.exercises.case import Case, FunctionSpec
from course.exercises.observe import observe
from course.tensors import expand

B, D = 5, 3


def score() -> FunctionSpec:
    return FunctionSpec("LinearScore", {"centre": torch.zeros(D), "precision": torch.eye(D)})


def field() -> FunctionSpec:
    tensors = {"win": torch.ones(D, 2), "bias": torch.zeros(2), "rate": torch.ones(2), "wout": torch.ones(2, D)}
    return FunctionSpec("hw6.Field", tensors)


def facts(function, **arguments):
    return observe(function, Case({"x": torch.ones(B, D), **arguments})).facts


# -- calls -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (lambda x, score: x, 0),
        (lambda x, score: score(x), 1),
        (lambda x, score: score(x=x), 1),
        (lambda x, score: score.forward(x), 1),
        (lambda x, score: score(x) + score(x), 2),
        (lambda x, score: score(torch.cat([x, x])), 2),
        (lambda x, score: torch.cat([score(row[None]) for row in x]), 1),
        (lambda x, score: torch.cat([score(half) for half in x.split(3)]), 1),
        (lambda x, score: torch.cat([score(row[None]) + score(row[None]) for row in x]), 2),
        (lambda x, score: torch.func.jvp(score, (x,), (x,))[1], 1),
        (lambda x, score: torch.func.vjp(score, x)[1](x)[0], 1),
        (lambda x, score: torch.func.vmap(torch.func.jacrev(lambda row: score(row[None])[0]))(x), 1),
    ],
)
def test_a_call_on_part_of_the_batch_counts_as_that_part(function, calls):
    assert facts(function, score=score()).calls == {"score": calls}


def test_functions_in_a_list_are_counted_each():
    seen = facts(lambda x, down: down[1](x), down=[score(), score()])
    assert seen.calls == {"down[0]": 0, "down[1]": 1}


# -- what they return --------------------------------------------------------------------------------------------------


def in_place(x, score):
    s = score(x)
    s *= 2
    return s


def on_a_view(x, score):
    s = score(x)
    s.view(-1)[0] = 7
    return s


def behind_autograds_back(x, score):
    s = score(x)
    s.data += 1
    return s


def by_numpy(x, score):
    s = score(x).detach()
    s.numpy()[:] = 1
    return s


def by_out(x, score):
    s = score(x).detach()
    return torch.add(x, s, out=s)


@pytest.mark.parametrize("function", [in_place, on_a_view, behind_autograds_back, by_numpy, by_out])
def test_what_a_function_returned_is_seen_to_change(function):
    assert facts(function, score=score()).overwrote == ["score"]


def test_a_functions_own_tensors_are_its_to_change():
    def on_a_copy(x, score):
        x = x.clone()
        x += 0.1 * score(x)
        return x.mul_(2).sub_(score(x))

    assert facts(on_a_copy, score=score()).overwrote == []


def test_what_is_not_a_number_is_no_change():
    assert facts(lambda x, score: score(x * torch.nan), score=score()).overwrote == []


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "handed", "right"),
    [
        (0.3, lambda t, x: t, True),
        (0.3, lambda t, x: t + 0.1, True),
        (0.3, lambda t, x: torch.tensor(t), False),
        (0.3, lambda t, x: torch.full((len(x),), t), False),
        (torch.full((B,), 0.3), lambda t, x: t, True),
        (torch.full((B,), 0.3), lambda t, x: t / 2, True),
        (torch.full((B,), 0.3), lambda t, x: t[0], False),
        (torch.full((B,), 0.3), lambda t, x: t[:1], False),
        (torch.full((B,), 0.3), lambda t, x: t[0].item(), False),
    ],
)
def test_a_time_is_handed_on_in_the_form_in_which_it_was_given(given, handed, right):
    seen = facts(lambda x, t, field: field(x, handed(t, x)), t=given, field=field())
    assert seen.times == ([] if right else ["field"])


@pytest.mark.parametrize(
    ("handed", "right"),
    [
        (lambda t, x: t.item(), True),
        (lambda t, x: t, True),
        (lambda t, x: t.expand(len(x)), True),
        (lambda t, x: t[None], False),
    ],
)
def test_each_of_a_grid_of_times_may_be_a_number_or_one_for_each_example(handed, right):
    seen = facts(lambda x, times, field: field(x, handed(times[0], x)), times=torch.ones(4), field=field())
    assert seen.times == ([] if right else ["field"])


def test_times_of_a_function_without_points_are_held_to_the_same():
    diffusion = FunctionSpec("hw6.Diffusion", {"base": torch.ones(()), "rate": torch.ones(())})
    told = lambda x, t, diffusion: x * expand(diffusion(torch.full((B,), t)), x)
    assert facts(told, t=0.3, diffusion=diffusion).times == ["diffusion"]


# -- what a student reads ----------------------------------------------------------------------------------------------


def average_of_two_evaluations(x, t, drift, diffusion, score):
    return drift(x, t) - expand(diffusion(t) ** 2, x) * 0.5 * (score(x, t) + score(x, t))


def four_evaluations(x, t, s, field):
    return x + (s - t) / 4 * (
        2 * field(x, t) + field(x + (s - t) * field(x, t), s) + field(x + (s - t) * field(x, t), s)
    )


def score_scaled_in_place(x, t, drift, diffusion, score):
    pull = score(x, t)
    pull *= expand(diffusion(t) ** 2, x)
    return drift(x, t) - pull


def only_the_drifts_time(x, t, s, drift, diffusion, noise):
    return x + (s - t) * drift(x, torch.tensor(t, dtype=x.dtype)) + diffusion(t) * abs(s - t) ** 0.5 * noise


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("reverse_drift", average_of_two_evaluations, ("`score`", "once")),
        ("heun_step", four_evaluations, ("`field`", "5 times")),
        ("reverse_drift", score_scaled_in_place, ("in place", "`score`")),
        ("euler_maruyama_step", only_the_drifts_time, ("`drift`", "t")),
    ],
)
def test_what_nobody_listed_is_named_too(name, function, words):
    sentence = check_exercise(load("hw6")[name], function).sentence
    assert all(word in sentence for word in words), sentence
