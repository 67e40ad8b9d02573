"""hw8: conventions that EXERCISES.md allows pass, those that it excludes are named, and the exercises agree."""

import math

import nbformat
import pytest
import torch
from torch.nn import functional as F

from course.exercises import check_exercise, load
from course.exercises.case_functions import hw8 as given
from course.exercises.held import Held

HW8 = load("hw8")
answer = {name: exercise.answer for name, exercise in HW8.items()}


def said(name, function, seed=0):
    return str(check_exercise(HW8[name], function, seed))


# -- what students bring from elsewhere --------------------------------------------------------------------------------


def of_open_clip(image, text, scale):
    """The published code multiplies by exp of a learned logit scale, the last argument."""
    logits = math.exp(scale) * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    labels = torch.arange(len(logits), device=image.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def of_torch(gradients, max_norm):
    """torch.nn.utils.clip_grad_norm_, example by example."""
    clipped = []
    for g in gradients:
        p = torch.zeros_like(g, requires_grad=True)
        p.grad = g.clone()
        torch.nn.utils.clip_grad_norm_([p], max_norm)
        clipped.append(p.grad)
    return torch.stack(clipped).mean(0)


def residual(x, attend):
    return x + answer["temporal_attention"](x, attend)


def of_dreamfusion(x, noise_prediction, alpha, sigma, noise, weight):
    """The published code leaves α to the weight."""
    return answer["score_distillation"](x, noise_prediction, alpha, sigma, noise, weight / alpha)


def fixed_threshold(samples, train, ratio):
    return (answer["nearest_training"](samples, train)[0] < ratio).double().mean().item()


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("clip_loss", of_open_clip, "exp of the last argument"),
        ("clipped_gradients", of_torch, "1e-6 is added"),
        ("temporal_attention", residual, "no residual here"),
        ("score_distillation", of_dreamfusion, "the factor α is missing"),
        ("memorized_fraction", fixed_threshold, "compared with a fixed number"),
    ],
)
def test_published_variants_are_named(name, function, words):
    assert words in said(name, function)


# -- memory is measured ------------------------------------------------------------------------------------------------


def in_rows_of(rows):
    def nearest_training(samples, train):
        pieces = [
            torch.linalg.vector_norm(x[:, None] - train, dim=tuple(range(2, 1 + x.ndim))) for x in samples.split(rows)
        ]
        return torch.cat(pieces).min(1)

    return lambda samples, train: tuple(nearest_training(samples, train))


def all_kept(samples, train):
    """No tensor is large, but all of them together are."""
    differences = [(train - x).flatten(1) for x in samples]
    return tuple(torch.stack([d.norm(dim=1) for d in differences]).min(1))


def by_vmap(samples, train):
    return tuple(torch.vmap(lambda x: (train - x).flatten(1).norm(dim=1))(samples).min(1))


@pytest.mark.parametrize("rows", [1, 64, 400])
def test_pieces_of_some_hundreds_have_room(rows):
    assert "✓" in said("nearest_training", in_rows_of(rows))


@pytest.mark.parametrize("function", [in_rows_of(1500), all_kept, by_vmap])
def test_all_differences_at_once_have_not(function):
    verdict = check_exercise(HW8["nearest_training"], function)
    assert "N × M × D differences are in memory" in verdict.sentence
    assert verdict.points == HW8["nearest_training"].points / 2


def test_what_is_held_is_counted_by_its_memory():
    x = torch.zeros(100)
    with Held() as held:
        (x[:, None] + x).sum()
        (x + x).expand(1000, 100)[None]
    assert 10_000 <= held.most <= 10_200
    with Held() as held:
        kept = [x + k for k in range(7)]
        del kept
        [x + k for k in range(5)]
    assert held.most == 700


# -- common accidents --------------------------------------------------------------------------------------------------


def with_minus_for_not(x, context, mask, w_q, w_kv, w_out, heads):
    scores = x @ context.mT
    return scores.masked_fill(-mask[:, None], -math.inf) @ context


def detached_loss(image, text, temperature):
    return answer["clip_loss"](image.detach(), text, temperature)


def evaluated_twice(features, control, zero_conv):
    return features + zero_conv(control) if zero_conv(control).any() else features + 0 * zero_conv(control)


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("cross_attention", with_minus_for_not, "use the `~`"),
        ("clip_loss", detached_loss, "gradient"),
        ("controlled_features", evaluated_twice, "twice"),
    ],
)
def test_one_clear_sentence(name, function, words):
    verdict = check_exercise(HW8[name], function)
    assert words in str(verdict)
    assert not verdict.passed
    assert "\n" not in verdict.sentence


def test_what_stands_behind_a_captions_end_has_no_influence(normal):
    x, context, w = normal(2, 5, 6), normal(2, 4, 6), normal(24, 6)
    mask = torch.tensor([[True, False, False, False], [True, True, True, False]])
    other = torch.where(mask[:, :, None], context, 100 * normal(2, 4, 6))
    before, after = (answer["cross_attention"](x, c, mask, w[:6], w[6:18], w[18:], 2) for c in (context, other))
    assert torch.equal(before, after)


# -- laws that connect the exercises -----------------------------------------------------------------------------------


def test_cross_attention_of_itself_is_self_attention(normal):
    x, w_qkv, w_out = normal(2, 5, 6), normal(18, 6), normal(6, 6)
    everywhere = torch.ones(2, 5, dtype=torch.bool)
    across = answer["cross_attention"](x, x, everywhere, w_qkv[:6], w_qkv[6:], w_out, 3)
    torch.testing.assert_close(across, load("hw5")["self_attention"].answer(x, w_qkv, w_out, 3))


def test_temporal_attention_is_attention_at_each_pixel(normal):
    x, w_qkv, w_out = normal(2, 4, 6, 3, 2), normal(18, 6), normal(6, 6)
    attend = lambda tokens: load("hw5")["self_attention"].answer(tokens, w_qkv, w_out, 3)
    torch.testing.assert_close(answer["temporal_attention"](x, attend)[..., 2, 1], attend(x[..., 2, 1].contiguous()))


def test_score_distillation_does_not_move_where_the_prior_is_at_its_mode(normal):
    """For N(m, v) the expected gradient at x is w α² (x − m) σ / (α² v + σ²)."""
    m, v, alpha, sigma = 1.5, 0.4, 0.8, 0.6
    exact = lambda z: sigma * (z - alpha * m) / (alpha**2 * v + sigma**2)
    each, noise = torch.ones(4).double(), normal(4, 1)
    x = torch.tensor([[m], [m], [2.0], [-1.0]]).double()
    both = [answer["score_distillation"](x, exact, alpha * each, sigma * each, sign * noise, each) for sign in (1, -1)]
    torch.testing.assert_close(sum(both) / 2, alpha**2 * (x - m) * sigma / (alpha**2 * v + sigma**2))


def test_what_is_memorized_follows_from_nearest_neighbours(normal):
    train, samples = normal(40, 3), normal(60, 3)
    distance, index = answer["nearest_training"](samples, train)
    second = torch.stack(
        [
            answer["nearest_training"](x[None], torch.cat([train[:i], train[i + 1 :]]))[0][0]
            for x, i in zip(samples, index)
        ]
    )
    assert answer["memorized_fraction"](samples, train, 0.5) == pytest.approx(
        (distance < 0.5 * second).double().mean().item()
    )


def test_one_example_moves_the_clipped_mean_by_at_most_its_share(normal):
    g, other = normal(9, 5), normal(9, 5)
    other[1:] = g[1:]
    other[0] *= 1e6
    moved = answer["clipped_gradients"](g, 0.7) - answer["clipped_gradients"](other, 0.7)
    assert moved.norm() <= 2 * 0.7 / 9


def test_the_given_functions_work_row_by_row(normal):
    modules = [
        (given.PointwiseConv(weight=normal(4, 3), bias=normal(4)), normal(3, 3, 2, 5)),
        (given.Attend(sharpness=normal().abs(), lean=normal().abs()), normal(3, 4, 5)),
        (given.NoisePrediction(win=normal(6, 4), bias=normal(4), wout=normal(4, 6)), normal(3, 2, 3)),
    ]
    for module, x in modules:
        torch.testing.assert_close(module(x), torch.cat([module(x[i : i + 1]) for i in range(3)]))


# -- the notebook ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def student():
    """The functions of the solution notebook, from its setup and solution cells alone, as in grading."""
    names: dict = {}
    for cell in nbformat.read("solutions/hw8/hw8.ipynb", 4).cells:
        if cell.cell_type == "code" and (cell.id == "setup" or cell.metadata.get("nbgrader", {}).get("solution")):
            exec(cell.source, names)
    return names


@pytest.mark.parametrize("name", HW8)
def test_solution_cells_stand_alone(student, name):
    assert check_exercise(HW8[name], student[name], 12).passed
