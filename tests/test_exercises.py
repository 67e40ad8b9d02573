"""The graders are proven by their mutants: misconceptions fail with their own sentences, right variants pass."""

import time
from importlib import import_module

import pytest
import torch

from course.exercises import assignments, begin, check_exercise, load
from course.exercises.case import Case
from course.exercises.exercise import Exercise, stands_alone
from course.exercises.observe import observe

EXERCISES = [exercise for assignment in assignments() for exercise in load(assignment).values()]
MISCONCEPTIONS = [(exercise, one) for exercise in EXERCISES for one in exercise.misconceptions]
RIGHT = [(exercise, function) for exercise in EXERCISES for function in exercise.all_right]


def name(value: object) -> str:
    return getattr(value, "name", getattr(value, "__name__", ""))


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_each_exercise_has_enough_of_both(exercise: Exercise):
    assert len(exercise.misconceptions) >= 4
    assert len(exercise.all_right) >= 3
    assert len({one.name for one in exercise.misconceptions}) == len(exercise.misconceptions)
    assert any(stands_alone(one) for one in exercise.misconceptions), "sample submissions need one"


@pytest.mark.parametrize("assignment", assignments())
def test_the_answers_are_where_grading_hides_them(assignment: str):
    module = import_module(f"course.exercises.{assignment}")
    hidden = (*module.answers_in, module.__name__)
    for exercise in load(assignment).values():
        assert exercise.answer.__module__.startswith(hidden), exercise.name


@pytest.mark.parametrize(("exercise", "one"), MISCONCEPTIONS, ids=name)
def test_misconceptions_fail_with_their_own_sentence(exercise: Exercise, one):
    same = {m.name for m in exercise.misconceptions if m.sentence == one.sentence}
    for seed in range(3):
        verdict = check_exercise(exercise, one.function, seed)
        assert verdict.misconception in same, f"seed {seed}: {verdict}"
        assert verdict.sentence.startswith(one.sentence)
        assert verdict.points == round(exercise.points * one.credit) < exercise.points


@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=name)
def test_right_variants_pass(exercise: Exercise, function):
    for seed in range(3):
        verdict = check_exercise(exercise, function, seed)
        assert verdict.passed, f"seed {seed}: {verdict}"


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=name)
def test_right_variants_pass_over_many_seeds(exercise: Exercise, function):
    """Each check is over float64 and float32 (and a GPU where there is one); `make calibrate` tries 1,000 seeds."""
    failed = [str(v) for seed in range(20) if not (v := check_exercise(exercise, function, 1000 + seed)).passed]
    assert not failed, failed[:3]


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_checks_leave_the_notebook_as_it_was(exercise: Exercise):
    torch.manual_seed(3)
    state, dtype, grad = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    check_exercise(exercise, exercise.answer)
    assert torch.equal(torch.get_rng_state(), state)
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (dtype, grad)


# -- what a student reads ----------------------------------------------------------------------------------------------


def right(x, score, step_size, noise):
    return x + step_size * score(x) + (2 * step_size) ** 0.5 * noise


def as_list(x, score, step_size, noise):
    return right(x, score, step_size, noise).detach().tolist()


def as_numpy(x, score, step_size, noise):
    return right(x, score, step_size, noise).detach().numpy()


def nothing(x, score, step_size, noise):
    right(x, score, step_size, noise)


def two_results(x, score, step_size, noise):
    return right(x, score, step_size, noise), 1


def summed(x, score, step_size, noise):
    return right(x, score, step_size, noise).sum(-1)


def single(x, score, step_size, noise):
    return right(x, score, step_size, noise).float()


def nan(x, score, step_size, noise):
    return right(x, score, step_size, noise) * float("nan")


def changes_noise(x, score, step_size, noise):
    noise.mul_(2)
    return right(x, score, step_size, noise)


def switches_on_gradients(x, score, step_size, noise):
    x.requires_grad_()
    return right(x, score, step_size, noise)


def draws(x, score, step_size, noise):
    torch.rand(1)
    return right(x, score, step_size, noise)


def scaled(x, score, step_size, noise):
    return 0.9 * right(x, score, step_size, noise)


def flipped(x, score, step_size, noise):
    return -right(x, score, step_size, noise)


def shifted(x, score, step_size, noise):
    return right(x, score, step_size, noise) + 0.25


def slightly_off(x, score, step_size, noise):
    return right(x, score, step_size, noise) + 1e-3 * noise**2


def breaks(x, score, step_size, noise):
    return x @ noise[:, :2]


def loops(x, score, step_size, noise):
    while True:
        pass


def unwritten(x, score, step_size, noise):
    raise NotImplementedError


def leaves(x, score, step_size, noise):
    raise SystemExit


def fewer_arguments(x, score, step_size):
    return x


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (as_list, "returned a list, expected a tensor of shape (6, 3)"),
        (as_numpy, "returned an ndarray, expected a tensor"),
        (nothing, "returned nothing"),
        (two_results, "returned a tuple of 2, expected a tensor"),
        (summed, "got shape (6,), expected (6, 3). Something sums over an axis"),
        (single, "got dtype torch.float32, expected torch.float64"),
        (nan, "got nan in 18 of 18 entries"),
        (changes_noise, "modifies its argument `noise` in place"),
        (switches_on_gradients, "modifies `requires_grad` of its argument `x` in place"),
        (draws, "draws from the global generators"),
        (scaled, "0.9 times the expected one everywhere"),
        (flipped, "the sign is flipped"),
        (shifted, "plus 0.25 everywhere"),
        (slightly_off, "the largest error is"),
        (breaks, "raised RuntimeError at your line `return x @ noise[:, :2]`"),
        (loops, "did not finish within"),
        (unwritten, "not written yet"),
        (leaves, "raised SystemExit at your line `raise SystemExit`"),
        (fewer_arguments, "could not be called as langevin_step(x, score, step_size, noise)"),
        (3, "is an int, not a function"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_one_clear_sentence(function, words, monkeypatch):
    monkeypatch.setattr("course.exercises.observe.TIME_LIMIT", 0.3)
    verdict = check_exercise(load("hw2")["langevin_step"], function)
    assert words in str(verdict)
    assert verdict.points == 0
    assert "\n" not in str(verdict)


def test_time_is_what_the_function_computes_and_the_clock_is_a_last_resort(monkeypatch):
    """On a machine that does other things too, waiting costs nothing; waiting forever ends all the same."""
    monkeypatch.setattr("course.exercises.observe.TIME_LIMIT", 0.2)
    exercise = load("hw2")["langevin_step"]
    waits, calls = [0.4, 0.0], []

    def interrupted(x, score, step_size, noise):
        calls.append(x)
        if len(calls) == 1:
            time.sleep(waits[0])
        return right(x, score, step_size, noise)

    assert check_exercise(exercise, interrupted).passed
    waits[0] = 10.0
    calls.clear()
    assert "did not finish within" in str(check_exercise(exercise, interrupted))


def test_a_list_that_was_lent_stays_as_it_was():
    def empties(down, x):
        return x + down.pop(0)

    case = Case({"down": [torch.zeros(2), torch.ones(2)], "x": torch.zeros(2)})
    assert observe(empties, case).facts.changed == ["its argument `down`"]
    assert not observe(lambda down, x: x + down[0], case).facts.changed


def test_what_is_printed_is_hidden_and_counted(capsys):
    def chatty(x, score, step_size, noise):
        print("so\n" * 1000)
        return right(x, score, step_size, noise)

    verdict = check_exercise(load("hw2")["langevin_step"], chatty)
    assert verdict.passed
    assert "printed" in verdict.sentence
    assert capsys.readouterr() == ("", "")


def test_a_missing_function_is_explained_and_a_renamed_one_recognised():
    notebook: dict = {}
    check = begin("hw2", notebook)
    assert "there is no function `langevin_step` yet" in str(check(notebook["langevin_step"]))
    notebook["my_step"] = right
    assert "Did you rename it to `my_step`?" in str(check(notebook["langevin_step"]))
    with pytest.raises(NotImplementedError, match="no function `langevin_step` yet"):
        notebook["langevin_step"](1, 2, 3, 4)


def test_check_without_a_function_checks_all_and_adds_up():
    check = begin("hw2", {name: one.answer for name, one in load("hw2").items()} | {"mala_step": 3})
    tally = check()
    assert [v.passed for v in tally.verdicts] == [name != "mala_step" for name in load("hw2")]
    assert str(tally).splitlines()[-1] == "76 of 88 points from checks; 12 more for the written question"
    assert "76 of 88 points from checks; 12 more" in tally._repr_html_()


def test_a_generator_that_was_lent_is_drawn_from_as_it_is():
    def one_of_its_own(x, score, step_size, n_steps, generator):
        own = torch.Generator(x.device).manual_seed(generator.initial_seed())
        return load("hw2")["langevin_chain"].answer(x, score, step_size, n_steps, own)

    def seeded(*arguments):
        arguments[-1].manual_seed(0)
        return load("hw4")["annealed_langevin"].answer(*arguments)

    verdict = check_exercise(load("hw2")["langevin_chain"], one_of_its_own)
    assert verdict.sentence.startswith("the generator is seeded anew inside")
    other = check_exercise(load("hw4")["annealed_langevin"], seeded).sentence
    assert "two calls with one generator give the same numbers" in other


def test_a_mask_of_numbers_is_told_to_be_the_comparison():
    def as_numbers(x, log_prob, score, step_size, noise, uniform):
        new, accepted = load("hw2")["mala_step"].answer(x, log_prob, score, step_size, noise, uniform)
        return new, accepted.to(x.dtype)

    sentence = check_exercise(load("hw2")["mala_step"], as_numbers).sentence
    said = "got dtype torch.float64, expected torch.bool of the second of the two results (`accepted`): "
    assert sentence == f"{said}return the comparison itself."


def test_the_sentence_says_what_shape_was_wrong():
    def for_vectors_only(x, proposal, log_prob, score, step_size):
        back, there = ((a - b - step_size * score(b)).square().sum(1) for a, b in ((x, proposal), (proposal, x)))
        return log_prob(proposal) - log_prob(x) + (there - back) / (4 * step_size)

    sentence = check_exercise(load("hw2")["mala_log_accept"], for_vectors_only).sentence
    assert sentence.endswith("(Here x has shape (7, 2, 3).)")


def test_begin_keeps_what_is_defined():
    notebook = {"langevin_step": right}
    check = begin("hw2", notebook)
    assert notebook["langevin_step"] is right
    assert check(right).passed  # known by the name it has in the notebook


def test_begin_names_the_assignments_it_does_not_know():
    with pytest.raises(ValueError, match="no assignment 'hw99'"):
        begin("hw99", {})


def test_nbgrader_reads_points_and_reports_read_the_rest():
    mistake = load("hw2")["log_partition"].misconceptions[0]
    bundle = check_exercise(load("hw2")["log_partition"], mistake.function)
    data = bundle._repr_mimebundle_()
    assert float(data["text/plain"]) == 4  # half the points: right until the exponential overflows
    assert data["application/vnd.score-course.verdict+json"]["misconception"] == mistake.name


def test_a_sentence_cannot_carry_markup():
    def hostile(x, score, step_size, noise):
        raise ValueError("<script>alert(1)</script>")

    html = check_exercise(load("hw2")["langevin_step"], hostile)._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
