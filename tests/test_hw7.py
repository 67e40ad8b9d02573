"""hw7: conventions that EXERCISES.md allows pass, those that it excludes are named, and the exercises agree."""

import nbformat
import pytest
import torch

from course.densities import GaussianMixture
from course.exercises import check_exercise, load

HW7 = load("hw7")


def said(name, function, seed=0):
    return str(check_exercise(HW7[name], function, seed))


# -- luminance_basis: judged by what any good basis has ----------------------------------------------------------------


def completed(angle, handedness=1.0):
    """Grey, and two orthonormal directions of colour turned by an angle."""
    grey = torch.ones(3) / 3**0.5
    a, b = torch.tensor([1.0, -1.0, 0.0]) / 2**0.5, torch.tensor([1.0, 1.0, -2.0]) / 6**0.5
    angle = torch.tensor(angle)
    return torch.stack([grey, a * angle.cos() + b * angle.sin(), handedness * (b * angle.cos() - a * angle.sin())])


@pytest.mark.parametrize("handedness", [1.0, -1.0])
@pytest.mark.parametrize("angle", [0.4, 2.0, 5.1])
def test_any_completion_is_a_right_basis_and_colours_alike(angle, handedness):
    assert check_exercise(HW7["luminance_basis"], lambda: completed(angle, handedness)).passed

    def colorize_step(x, t, s, step, grey, kernel, noise):
        basis, (alpha, sigma) = completed(angle, handedness).to(x), kernel(s)
        y = torch.einsum("kc,bchw->bkhw", basis, step(x, t, s))
        return torch.einsum("kc,bkhw->bchw", basis, torch.cat([alpha * grey + sigma * noise, y[:, 1:]], 1))

    assert all(check_exercise(HW7["colorize_step"], colorize_step, seed).passed for seed in range(5))


def test_a_basis_that_is_slightly_off_is_told_what_is_off():
    assert "length of row 3 is 1.01" in said(
        "luminance_basis", lambda: completed(0.4) * torch.tensor([[1], [1], [1.01]])
    )
    assert "dot product of rows 2 and 3" in said("luminance_basis", lambda: completed(0.4)[[0, 1, 1]])
    assert "float64" in said("luminance_basis", lambda: completed(0.4).double())


# -- conventions -------------------------------------------------------------------------------------------------------


def test_ho_and_salimans_scale_is_named():
    def theirs(conditional, unconditional, scale):
        return (1 + scale) * conditional - scale * unconditional

    assert "Ho and Salimans" in said("classifier_free", theirs)
    assert check_exercise(HW7["classifier_free"], lambda c, u, scale: theirs(c, u, scale - 1)).passed


def test_ddpm_writes_the_root_of_alpha():
    assert "ᾱ" in said("noisy_known", lambda known, alpha, sigma, noise: alpha**0.5 * known + sigma * noise)


# -- common accidents --------------------------------------------------------------------------------------------------


def nan_at_a_sure_classifier(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        p = torch.softmax(classifier(x, t), -1)
        return torch.autograd.grad(torch.log(p[torch.arange(len(x)), labels]).sum(), x)[0]


def labels_as_a_view(labels, null, probability, uniform):
    dropped = labels.view(-1)
    dropped.masked_fill_(uniform < probability, null)
    return dropped


def a_slice(labels, null, probability, uniform):
    return labels[:] if not (uniform < probability).any() else torch.where(uniform < probability, null, labels)


def tilde_of_a_float_mask(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return mask * (alpha * known + sigma * noise) + ~mask * step(x, t, s)


def known_everywhere(x, t, s, step, known, mask, kernel, noise):
    alpha, sigma = kernel(s)
    return alpha * known + sigma * noise


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("classifier_score", nan_at_a_sure_classifier, "use log_softmax"),
        ("drop_labels", labels_as_a_view, "changed in place"),
        ("drop_labels", a_slice, "make a new one"),
        ("inpaint_step", tilde_of_a_float_mask, "raised TypeError at your line `return mask *"),
        ("inpaint_step", known_everywhere, "does not depend on `x`"),
    ],
)
def test_one_clear_sentence(name, function, words):
    verdict = check_exercise(HW7[name], function)
    assert words in str(verdict)
    assert not verdict.passed


# -- the exercises together --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def student():
    """The functions of the solution notebook, from its setup and solution cells alone, as in grading."""
    names: dict = {}
    for cell in nbformat.read("solutions/hw7/hw7.ipynb", 4).cells:
        if cell.cell_type == "code" and (cell.id == "setup" or cell.metadata.get("nbgrader", {}).get("solution")):
            exec(cell.source, names)
    return names


@pytest.mark.parametrize("name", HW7)
def test_solution_cells_stand_alone(student, name):
    assert check_exercise(HW7[name], student[name], 12).passed


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_with_a_classifier_and_without_is_one_score(student, normal, scale):
    means, stds = torch.tensor([[-1.0, 0.3], [1.2, 0.5]]).double(), torch.tensor([0.7, 0.9]).double()
    weights = torch.tensor([0.3, 0.7]).double()
    mixture = GaussianMixture(weights, means, stds)
    first = GaussianMixture(torch.ones(1).double(), means[:1], stds[:1])
    seen = lambda density, t: density.diffuse(0.8, t)
    classifier = lambda x, t: seen(mixture, t).responsibilities(x).log()
    x, labels = normal(7, 2), torch.zeros(7, dtype=torch.int64)
    likelihood = lambda x, t: student["classifier_score"](classifier, x, t, labels)
    guided = student["posterior_score"](lambda x, t: seen(mixture, t).score(x), x, 0.6, likelihood, scale)
    free = student["classifier_free"](seen(first, 0.6).score(x), seen(mixture, 0.6).score(x), scale)
    torch.testing.assert_close(guided, free)
