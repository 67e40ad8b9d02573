"""What students read is true of what they wrote, and says where to look: plausible mistakes that have no name."""

import functools
from pathlib import Path

import nbformat
import pytest
import torch

from course.exercises import begin, check_exercise, load
from course.exercises.check import NotDefined
from course.exercises.own_code import names_used
from course.exercises.verdict import Verdict

ROOT = Path(__file__).parent.parent
HW2, HW4 = load("hw2"), load("hw4")


def _noise(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _walk(score, x, sigmas, steps, base, generator, last):
    for sigma in sigmas:
        eps = base * (sigma / last).item() ** 2
        for _ in steps:
            x = x + eps * score(x, sigma.expand(len(x))) + (2 * eps) ** 0.5 * _noise(x, generator)
    return x.detach()


def one_level_too_few(score, x, sigmas, base, n_per_level, generator):
    return _walk(score, x, sigmas[:-1], range(n_per_level), base, generator, sigmas[-1])


def first_level_skipped(score, x, sigmas, base, n_per_level, generator):
    return _walk(score, x, sigmas[1:], range(n_per_level), base, generator, sigmas[-1])


def one_step_too_few(score, x, sigmas, base, n_per_level, generator):
    return _walk(score, x, sigmas, range(n_per_level - 1), base, generator, sigmas[-1])


def counted_from_one(score, x, sigmas, base, n_per_level, generator):
    return _walk(score, x, sigmas, range(1, n_per_level), base, generator, sigmas[-1])


@pytest.mark.parametrize("function", [one_level_too_few, first_level_skipped, one_step_too_few, counted_from_one])
def test_steps_left_out_are_not_taken_for_a_seed(function):
    sentence = check_exercise(HW4["annealed_langevin"], function).sentence
    assert sentence.startswith("nothing is drawn from `generator` where sigmas has length 1 and n_per_level = 1:")


def one_step_too_many(score, x, sigmas, base, n_per_level, generator):
    return _walk(score, x, sigmas, range(n_per_level + 1), base, generator, sigmas[-1])


def test_steps_too_many_are_told_by_their_law():
    sentence = check_exercise(HW4["annealed_langevin"], one_step_too_many).sentence
    assert "theory says" in sentence
    assert "generator" not in sentence


def test_one_entry_too_many_is_told_so():
    def extended(beta_min, beta_max, n):
        return HW4["ddpm_schedule"].answer(beta_min, beta_max, n + 1)

    sentence = check_exercise(HW4["ddpm_schedule"], extended).sentence
    assert sentence.endswith("of the first of the two results (`betas`). There is one entry too many.")


def test_a_chain_too_short_is_told_its_shape():
    def short(x, score, step_size, n_steps, generator):
        return HW2["langevin_chain"].answer(x, score, step_size, n_steps - 2, generator)

    assert check_exercise(HW2["langevin_chain"], short).sentence.startswith("got shape (22, 301, 3), expected (24,")


# -- the student's own line --------------------------------------------------------------------------------------------


@torch.no_grad()
def decorated(score, x, sigmas, base, n_per_level, generator):
    return x + base[0]


def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


@logged
@torch.no_grad()
def decorated_twice(score, x, sigmas, base, n_per_level, generator):
    return x + base[0]


def _helper(x, noise):
    return x + noise[:, :2]


def in_a_helper(score, x, sigmas, base, n_per_level, generator):
    return _helper(x, x)


def inside_torch(score, x, sigmas, base, n_per_level, generator):
    return torch.stack([x, x[0]])


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (decorated, "return x + base[0]"),
        (decorated_twice, "return x + base[0]"),
        (in_a_helper, "return x + noise[:, :2]"),
        (inside_torch, "return torch.stack([x, x[0]])"),
        (torch.no_grad()(inside_torch), "return torch.stack([x, x[0]])"),
    ],
)
def test_an_error_is_shown_at_the_students_own_line(function, line):
    assert f"at your line `{line}`: " in check_exercise(HW4["annealed_langevin"], function).sentence


def test_a_decorated_function_that_takes_other_arguments():
    sentence = check_exercise(HW4["perturb"], torch.no_grad()(lambda x0, sigma: x0)).sentence
    assert sentence.startswith("could not be called as perturb(x0, sigma, noise)")


# -- names -------------------------------------------------------------------------------------------------------------


def test_another_exercise_is_no_renamed_one():
    hw6 = load("hw6")
    notebook = {"rk4_step": hw6["rk4_step"].answer, "heun_step": None}
    waiting = NotDefined(hw6["heun_step"], notebook, hw6)
    assert "rename" not in waiting.explain()
    notebook["library"] = hw6["heun_step"].answer
    assert "rename" not in waiting.explain()
    notebook["my_heun"] = lambda x, t, s, field: x
    assert "Did you rename it to `my_heun`?" in waiting.explain()


def test_the_default_dtype_is_named_where_no_tensor_was_given():
    def double(sigma_max, sigma_min, n):
        return HW4["geometric_sigmas"].answer(sigma_max, sigma_min, n).double()

    torch.set_default_dtype(torch.float64)  # a notebook's own default plays no part
    try:
        verdict = check_exercise(HW4["geometric_sigmas"], double)
        assert check_exercise(HW4["geometric_sigmas"], HW4["geometric_sigmas"].answer).passed
    finally:
        torch.set_default_dtype(torch.float32)
    assert verdict.sentence == (
        "got dtype torch.float64, expected torch.float32, the default dtype, since no tensor was given."
    )


def test_of_two_results_the_wrong_one_is_named():
    def a_float(beta_min, beta_max, n):
        betas, alpha_bars = HW4["ddpm_schedule"].answer(beta_min, beta_max, n)
        return betas, alpha_bars[-1].item()

    sentence = check_exercise(HW4["ddpm_schedule"], a_float).sentence
    assert sentence.startswith("the second of the two results (`alpha_bars`) is a float, expected a tensor of shape (")


def test_parameters_are_named_by_their_function():
    def trains(x, score, step_size, noise):
        HW2["langevin_step"].answer(x, score, step_size, noise).sum().backward()
        return HW2["langevin_step"].answer(x, score, step_size, noise)

    sentence = check_exercise(HW2["langevin_step"], trains).sentence
    assert sentence.startswith("your function modifies the gradient stored in the parameters of `score` in place;")


def test_code_is_code_in_html():
    verdict = Verdict("f", 0, 1, "write `x < 3`, not `<script>`")
    assert "write <code>x &lt; 3</code>, not <code>&lt;script&gt;</code>" in verdict._repr_mimebundle_()["text/html"]
    assert str(verdict).endswith("write `x < 3`, not `<script>`")


def test_a_result_larger_than_can_be_sent_is_told_so():
    huge = lambda x, score, step_size, noise: x.new_zeros(2000, 1000)
    sentence = check_exercise(HW2["langevin_step"], huge).sentence
    assert sentence == "returned shape (2000, 1000), far more numbers than were asked for."


# -- an earlier function of the student's ------------------------------------------------------------------------------

NOTEBOOK = """
def noisy_known(known, alpha, sigma, noise):
    return alpha * known + sigma**2 * noise + 0.01 * known**2

def put_back(x, s, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return mask * noisy_known(known, alpha, sigma, noise) + (1 - mask) * x

def inpaint_step(x, t, s, step, known, mask, kernel, noise):
    return put_back(step(x, t, s), s, known, mask, kernel, noise)
"""


def test_an_earlier_function_that_fails_is_blamed():
    notebook: dict = {}
    exec(NOTEBOOK, notebook)
    check = begin("hw7", notebook)
    blamed = "your `noisy_known` does not pass its own check: mend that first."
    assert check(notebook["inpaint_step"]).sentence == blamed
    assert [v.sentence for v in check().verdicts if v.exercise == "inpaint_step"] == [blamed]
    alone = check_exercise(load("hw7")["inpaint_step"], notebook["inpaint_step"])
    assert "does not pass its own check" not in alone.sentence


def test_an_earlier_function_that_passes_is_not_blamed():
    notebook: dict = {}
    exec(NOTEBOOK.replace("sigma**2", "sigma").replace(" + 0.01 * known**2", "").replace("* x", "* x * 0.99"), notebook)
    check = begin("hw7", notebook)
    assert check(notebook["noisy_known"]).passed
    assert "does not pass its own check" not in check(notebook["inpaint_step"]).sentence


def test_what_is_not_written_yet_blames_nobody():
    notebook: dict = {}
    exec(NOTEBOOK.replace("    alpha, sigma = kernel(s)", "    raise NotImplementedError"), notebook)
    assert begin("hw7", notebook)(notebook["inpaint_step"]).sentence.startswith("not written yet")


def test_partial_credit_is_told():
    mistake = HW2["log_partition"].misconceptions[0]
    assert check_exercise(HW2["log_partition"], mistake.function).sentence == (
        f"{mistake.sentence} This earns 4 of the 8 points."
    )


def test_names_used_are_the_notebooks_own():
    assert names_used(in_a_helper) == ["_helper"]
    assert set(names_used(one_step_too_few)) == {"_walk", "_noise"}


@pytest.mark.slow
def test_graded_in_a_kernel_of_its_own_a_student_reads_the_same():
    pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")
    from course.grading.submission.grade import Task, grade

    notebook = nbformat.read(ROOT / "solutions" / "hw7" / "hw7.ipynb", as_version=4)
    source = nbformat.writes(notebook)
    for cell in notebook.cells:
        cell.source = cell.source.replace("alpha * known + sigma * noise", "alpha * known + sigma * noise.exp()")
        cell.source = cell.source.replace("def posterior_score", "@torch.no_grad()\ndef posterior_score")
        cell.source = cell.source.replace("scale * likelihood_grad(x, t)", "scale[0] * likelihood_grad(x, t)")
    graded = grade(Task("s", "hw7", source, nbformat.writes(notebook).encode(), settings=None))
    read = {one.exercise: one.sentence for one in graded.verdicts}
    line = "return score(x, t) + scale[0] * likelihood_grad(x, t)"
    assert read["posterior_score"].startswith(f"raised TypeError at your line `{line}`: ")
    assert read["inpaint_step"] == "your `noisy_known` does not pass its own check: mend that first."
    assert graded.notes == []
