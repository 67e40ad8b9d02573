"""hw5: variants of the literature are told apart, accidents get a sentence, and the exercises fit together."""

import math

import pytest
import torch
from torch.nn import functional as F

from course.exercises import check_exercise, load
from course.exercises.case_functions import hw5 as given

HW5 = load("hw5")
answer = {name: exercise.answer for name, exercise in HW5.items()}


# -- what students bring from elsewhere --------------------------------------------------------------------------------


def of_ho_et_al(t, dim, max_period):
    """The published code of DDPM: sines first, and the last frequency is 1/P."""
    half = dim // 2
    omega = torch.exp(torch.arange(half, dtype=t.dtype, device=t.device) * -(math.log(max_period) / (half - 1)))
    return torch.cat([torch.sin(t[:, None] * omega), torch.cos(t[:, None] * omega)], dim=1)


def of_dit(t, dim, max_period):
    """The published code of DiT; frequencies are made in single precision."""
    half = dim // 2
    omega = torch.exp(-math.log(max_period) * torch.arange(0, half, dtype=torch.float32) / half).to(t.device)
    args = t[:, None] * omega[None].to(t.dtype)
    return torch.cat([torch.cos(args), torch.sin(args)], dim=-1)


def patches_of_dit(x, p):
    """einops' '(h p) (w q) -> h w (p q c)': channels last."""
    b, c, h, w = x.shape
    return x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, p * p * c)


def norm_of_dit(x, shift, scale, gate, branch):
    normalized = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return x + gate.unsqueeze(1) * branch(normalized * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1))


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("sinusoidal_embedding", of_ho_et_al, "two things are wrong: your sines come first"),
        ("sinusoidal_embedding", of_dit, "✓"),
        ("patchify", patches_of_dit, "within a token you put the channels last"),
        ("adaptive_layer_norm", norm_of_dit, "ε is 1e-5 here, not 1e-6"),
    ],
)
def test_published_variants(name, function, words):
    for seed in range(5):
        assert words in str(check_exercise(HW5[name], function, seed))


# -- accidents ---------------------------------------------------------------------------------------------------------


def detached(x, embedding, conv1, conv2, project):
    with torch.no_grad():
        return answer["residual_block"](x, embedding, conv1, conv2, project)


def weights_detached(x, w_qkv, w_out, heads):
    return answer["self_attention"](x, w_qkv.detach(), w_out, heads)


def single_precision(t, dim, max_period):
    return answer["sinusoidal_embedding"](t.float(), dim, max_period)


def wrong_order(x, embedding, stem, down, middle, up, head):
    kept, h = [], stem(x)
    for part in down:
        kept.append(h := part(h, embedding))
    h = middle(h, embedding)
    for part in up:
        h = part(torch.cat([h, kept.pop(0)], dim=1), embedding)
    return head(h)


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("residual_block", detached, "something on the way detaches it"),
        ("self_attention", weights_detached, "gradient for `w_qkv`"),
        ("sinusoidal_embedding", single_precision, "got dtype torch.float32, expected torch.float64"),
        ("unet", wrong_order, "last in, first out"),
    ],
)
def test_accidents(name, function, words):
    verdict = check_exercise(HW5[name], function)
    assert not verdict.passed
    assert words in str(verdict)


def test_a_wrong_order_of_skips_is_silent_in_one_case_and_an_error_in_another():
    silent, loud, _ = HW5["unet"].draw_cases(0)

    def call(case):
        build = lambda v: [g.build() for g in v] if isinstance(v, list) else v if torch.is_tensor(v) else v.build()
        return wrong_order(*map(build, case.arguments.values()))

    assert call(silent).shape == silent.arguments["x"].shape
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        call(loud)


# -- laws that connect the exercises -----------------------------------------------------------------------------------


def test_without_places_a_transformer_commutes_with_shuffling_patches(normal):
    """unpatchify ∘ (attention within adaptive layer norm) ∘ patchify, tokens in any order."""
    x, w_qkv, w_out = normal(3, 2, 4, 6), normal(24, 8), normal(8, 8)
    shift, scale, gate, order = normal(3, 8), normal(3, 8), normal(3, 8), torch.tensor([3, 0, 4, 1, 5, 2])

    def block(tokens):
        return answer["adaptive_layer_norm"](
            tokens, shift, scale, gate, lambda h: answer["self_attention"](h, w_qkv, w_out, 2)
        )

    tokens = answer["patchify"](x, 2)
    torch.testing.assert_close(block(tokens[:, order]), block(tokens)[:, order])
    assert torch.equal(answer["unpatchify"](tokens, 2, 4, 6), x)


def test_the_given_functions_work_example_by_example(normal):
    x, e, w = normal(3, 4, 4, 6), normal(3, 5), normal(4, 4, 3, 3)
    tokens = normal(3, 5, 4)
    modules = [
        (given.Conv(weight=w, bias=normal(4)), (x,)),
        (given.Linear(weight=normal(4, 5), bias=normal(4)), (e,)),
        (given.Branch(weight=normal(4, 4), mix=normal(4, 4)), (tokens,)),
        *((kind(weight=w, project=normal(4, 5)), (x, e)) for kind in (given.Part, given.DownPart, given.UpPart)),
    ]
    for module, inputs in modules:
        alone = torch.cat([module(*(a[i : i + 1] for a in inputs)) for i in range(3)])
        torch.testing.assert_close(module(*inputs), alone)
