"""5.3, self-attention with several heads: every token gathers from all tokens what its query finds in their keys."""

import math

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.networks import layers


def self_attention(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (x @ w_qkv.T).reshape(b, n, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c / heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, n: int, c: int, heads: int, sharpness: float = 1.0, **how) -> Case:
        w_qkv, w_out = draw.normal(3 * c, c) * (sharpness / c) ** 0.5, draw.normal(c, c) / c**0.5
        return Case({"x": 0.3 + draw.normal(b, n, c), "w_qkv": w_qkv, "w_out": w_out, "heads": heads}, **how)

    return [
        case(2, 7, 12, 3, gradients=("x", "w_qkv", "w_out")),
        case(5, 3, 8, 4, no_grad=True),
        case(3, 5, 6, 1),
        case(4, 9, 10, 2, sharpness=2000.0, magnitude=1e6),  # scores of several thousand: exp overflows
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, w = torch.randn(1, 64, 8, generator=generator), torch.randn(32, 8, generator=generator) / 8**0.5
    order = torch.randperm(64, generator=generator)
    moved = function(x[:, order], w[:24], w[24:], 2) - function(x, w[:24], w[24:], 2)[:, order]
    return (
        f"64 tokens shuffled give the same 64 results, shuffled (to {moved.abs().max():.0e}): attention does not know "
        "where a token is."
    )


exercise = Exercise(answer=self_attention, cases=cases, remark=remark)
exercise.right(layers.self_attention)


@exercise.right
def written_out(x, w_qkv, w_out, heads):
    b, n, c = x.shape
    q, k, v = (a.reshape(b, n, heads, c // heads).transpose(1, 2) for a in (x @ w_qkv.T).split(c, dim=-1))
    weights = (q @ k.transpose(-1, -2) / math.sqrt(c // heads)).softmax(dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


@exercise.right
def head_by_head(x, w_qkv, w_out, heads):
    wq, wk, wv = w_qkv.chunk(3)
    d = x.shape[-1] // heads
    total = 0
    for h in range(heads):
        rows = slice(h * d, (h + 1) * d)
        q, k, v = x @ wq[rows].T, x @ wk[rows].T, x @ wv[rows].T
        weights = torch.softmax(torch.bmm(q, k.transpose(1, 2)) * d**-0.5, dim=2)
        total = total + torch.bmm(weights, v) @ w_out[:, rows].T
    return total


@exercise.right
def in_einstein_notation(x, w_qkv, w_out, heads):
    w = w_qkv.reshape(3, heads, -1, w_qkv.shape[1])
    q, k, v = torch.einsum("bnc,shdc->sbhnd", x, w)
    scores = torch.einsum("bhnd,bhmd->bhnm", q / q.shape[-1] ** 0.5, k)
    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.einsum("bhnm,bhmd,ehd->bne", weights, v, w_out.reshape(len(w_out), heads, -1))


@exercise.right
def torchs_own(x, w_qkv, w_out, heads):
    nothing, y = torch.zeros(len(w_qkv), dtype=x.dtype, device=x.device), x.transpose(0, 1)
    c = x.shape[-1]
    out, _ = F.multi_head_attention_forward(
        y, y, y, c, heads, w_qkv, nothing, None, None, False, 0.0, w_out, nothing[:c], need_weights=False
    )
    return out.transpose(0, 1)


rows = "(x @ w_qkv.T)"
split = f"{rows}.reshape(b, n, 3, heads, c // heads)"
permuted = f"{split}.permute(2, 0, 3, 1, 4)"
scores = "q @ k.transpose(-1, -2) / math.sqrt(c / heads)"
weights = f"torch.softmax({scores}, dim=-1)"
moved = "(weights @ v).transpose(1, 2)"
joined = f"{moved}.reshape(b, n, c)"

exercise.right("k.transpose(-1, -2) → k.transpose(-2, -1)", "the same two axes")
exercise.right("k.transpose(-1, -2) → k.transpose(-1, 2)", "axis 2 of four is axis −2")
exercise.right(f"{moved} → (weights @ v).transpose(2, 1)", "the same two axes")
exercise.mistake(
    f"{scores} → q @ k.transpose(-1, -2)",
    "the scale is missing: divide the products of queries and keys by √(C/heads), or they grow with the dimension.",
)
exercise.mistake("c / heads → c", "you divide by √C: each head has only C/heads channels, so divide by √(C/heads).")
exercise.mistake("math.sqrt(c / heads) → (c / heads)", "you divide by C/heads: divide by its root.")
exercise.mistake(
    f"{weights} → torch.softmax({scores}, dim=-2)",
    "softmax runs over the queries: the weights of one query, over all keys (the last axis of q kᵀ), add to one.",
)
exercise.mistake(
    f"{weights} → torch.softmax({scores}, dim=1)",
    "softmax runs over the heads: it runs over the keys, the last axis of q kᵀ.",
)
exercise.mistake(
    f"{weights} → {scores}", "there is no softmax: the weights of every query are positive and add to one."
)
exercise.mistake(
    f"""{split} → {rows}.reshape(b, n, 3, 1, c)
        c / heads → c""",
    "`heads` has no effect on your weights: split the channels into heads, each with its own softmax.",
)
exercise.mistake(
    f"{split} → {rows}.reshape(b, n, 3, 1, c)",
    "`heads` is used only in the scale: split the channels, and let each head attend alone.",
)
exercise.mistake(
    f"""{permuted} → {rows}.reshape(b, n, 3, c // heads, heads).permute(2, 0, 4, 1, 3)
        {moved} → (weights @ v).permute(0, 2, 3, 1)""",
    "your heads take every h-th channel: heads are consecutive blocks, so reshape to (heads, C/heads), in this order.",
)
exercise.mistake(
    f"{permuted} → {rows}.reshape(b, n, heads, 3, c // heads).permute(3, 0, 2, 1, 4)",
    "the rows of w_qkv are all queries, then all keys, then all values: reshape to (3, heads, C/heads), the 3 first.",
)
exercise.mistake(
    "q, k, v → k, q, v", "queries and keys are exchanged: the first C rows of w_qkv are q, the next C are k."
)
exercise.mistake("q, k, v → v, q, k", "the first rows of w_qkv are not the values: the order is q, k, v.")
exercise.mistake(
    "q, k, v → v, k, q", "the rows of w_qkv are read from the end: queries come first, then keys, then values."
)
exercise.mistake(
    f"{moved} → (weights @ v)",
    "heads and tokens are mixed up where they are joined: bring (B, heads, N, C/heads) to (B, N, heads, C/heads) "
    "before you reshape to (B, N, C).",
)
exercise.mistake(
    f"{permuted} → (a.reshape(b, heads, n, c // heads) for a in {rows}.chunk(3, dim=2))",
    "your reshape to (B, heads, N, C/heads) tears tokens apart: reshape to (B, N, heads, C/heads), then transpose.",
)
exercise.mistake(
    f"""{permuted} → {split}.permute(2, 0, 1, 3, 4)
        {moved} → (weights @ v)""",
    "each token attends to its own heads instead of to other tokens: tokens must stand on the last but one axis of q, "
    "k and v.",
)
exercise.mistake(
    f"{joined} @ w_out.T → x + {joined} @ w_out.T",
    "x is added to the result: no residual here, whoever calls it adds x.",
)
exercise.mistake(
    f"{joined} @ w_out.T → {joined}", "the output weights w_out are not used: multiply the joined heads by them."
)
exercise.mistake("w_out.T → w_out", "w_out is the wrong way round: as in F.linear, multiply by w_out.T from the right.")
exercise.mistake(
    f"{weights} → torch.exp({scores}) / torch.exp({scores}).sum(dim=-1, keepdim=True)",
    "exp leaves the range of numbers where scores are large: use torch.softmax, which takes out each query's largest "
    "score first.",
    credit=0.5,
)
exercise.mistake(
    f"{scores} → ({scores}).masked_fill(torch.ones(n, n, device=x.device).triu(1) == 1, -math.inf)",
    "your tokens look only at those before them: here every token sees all the others, so mask none.",
)
