"""8.2, cross-attention: every place of a picture gathers from the words of a caption what its query finds there."""

import math

import torch
from torch.nn import functional as F

from course.exercises.case import Case, CaseRng
from course.exercises.exercise import Exercise
from course.networks import layers


def cross_attention(x, context, mask, w_q, w_kv, w_out, heads):
    b, n, c = x.shape
    q = (x @ w_q.T).reshape(b, n, heads, c // heads).transpose(1, 2)
    k, v = (context @ w_kv.T).reshape(b, -1, 2, heads, c // heads).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / math.sqrt(c / heads)
    weights = torch.softmax(scores.masked_fill(~mask[:, None, None], -math.inf), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, n: int, m: int, c: int, heads: int, sharpness: float = 1.0, spare: int = 0, **how) -> Case:
        """Captions of one to m − spare words; what stands in the places behind their end is far from nothing."""
        longest = m - spare
        words = 1 + torch.cat([draw.permutation(longest) for _ in range(b // longest + 1)])[:b]
        if b > 1:
            words[draw.permutation(b)[:2]] = torch.tensor([1, longest])
        mask = torch.arange(m) < words[:, None]
        context = torch.where(mask[:, :, None], 0.2 + draw.normal(b, m, c), 5 * draw.normal(b, m, c))
        arguments = {"x": 0.3 + draw.normal(b, n, c), "context": context, "mask": mask}
        arguments |= {"w_q": draw.normal(c, c) * (sharpness / c) ** 0.5, "w_kv": draw.normal(2 * c, c) / c**0.5}
        return Case({**arguments, "w_out": draw.normal(c, c) / c**0.5, "heads": heads}, **how)

    return [
        case(3, 7, 5, 12, 3, spare=1, gradients=("x", "context", "w_q", "w_kv", "w_out")),
        case(4, 3, 6, 8, 4, no_grad=True),
        case(1, 1, 3, 6, 2),
        case(2, 4, 4, 6, 1),
        case(3, 6, 1, 4, 2),
        case(5, 9, 4, 10, 2, sharpness=1e7, magnitude=1e5),  # scores of several thousand: exp overflows
    ]


def remark(function) -> str:
    generator = torch.Generator().manual_seed(0)
    x, words, w = (torch.randn(shape, generator=generator) for shape in ((1, 64, 8), (1, 6, 8), (32, 8)))
    told = lambda context, n: function(x, context, torch.arange(6)[None] < n, w[:8], w[8:24], w[24:], 2)
    padded = (told(words, 4) - told(torch.cat([words[:, :4], 9 + words[:, 4:]], 1), 4)).abs().max()
    turned = (told(words, 6) - told(words.flip(1), 6)).abs().max()
    return (
        f"what stands behind a caption's end changes nothing (by {padded:.0e}); nor does the order of its words (by "
        f"{turned:.0e}): an encoder must have told each word its place."
    )


exercise = Exercise(answer=cross_attention, cases=cases, remark=remark)
exercise.right(layers.cross_attention)


@exercise.right
def head_by_head(x, context, mask, w_q, w_kv, w_out, heads):
    w_k, w_v = w_kv.chunk(2)
    d = x.shape[-1] // heads
    total = 0
    for h in range(heads):
        rows = slice(h * d, (h + 1) * d)
        q, k, v = x @ w_q[rows].T, context @ w_k[rows].T, context @ w_v[rows].T
        scores = torch.bmm(q, k.transpose(1, 2)) * d**-0.5
        scores = torch.where(mask.unsqueeze(1), scores, torch.full_like(scores, -1e30))
        total = total + torch.bmm(scores.softmax(dim=2), v) @ w_out[:, rows].T
    return total


@exercise.right
def caption_by_caption(x, context, mask, w_q, w_kv, w_out, heads):
    b, n, c = x.shape
    found = []
    for i in range(b):
        words = context[i, mask[i]]
        q = (x[i] @ w_q.T).reshape(n, heads, -1)
        k, v = (words @ w_kv.T).reshape(len(words), 2, heads, -1).unbind(1)
        weights = (torch.einsum("nhd,mhd->hnm", q, k) / math.sqrt(c // heads)).softmax(-1)
        found.append(torch.einsum("hnm,mhd->nhd", weights, v).reshape(n, c) @ w_out.T)
    return torch.stack(found)


@exercise.right
def fused(x, context, mask, w_q, w_kv, w_out, heads):
    split = lambda t: t.unflatten(-1, (heads, -1)).transpose(1, 2)
    q, (k, v) = split(F.linear(x, w_q)), map(split, F.linear(context, w_kv).chunk(2, dim=-1))
    found = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
    return F.linear(found.transpose(1, 2).flatten(2), w_out)


@exercise.right
def torchs_own(x, context, mask, w_q, w_kv, w_out, heads):
    c = x.shape[-1]
    nothing = torch.zeros(3 * c, dtype=x.dtype, device=x.device)
    y, words = x.transpose(0, 1), context.transpose(0, 1)
    out, _ = F.multi_head_attention_forward(
        y, words, words, c, heads, torch.cat([w_q, w_kv]), nothing, None, None, False, 0.0, w_out, nothing[:c],
        key_padding_mask=~mask, need_weights=False,
    )  # fmt: skip
    return out.transpose(0, 1)


asked = "(x @ w_q.T)"
told = "(context @ w_kv.T)"
queries = f"{asked}.reshape(b, n, heads, c // heads).transpose(1, 2)"
split = f"{told}.reshape(b, -1, 2, heads, c // heads)"
permuted = f"{split}.permute(2, 0, 3, 1, 4)"
products = "q @ k.transpose(-1, -2)"
scores = f"{products} / math.sqrt(c / heads)"
masked = "scores.masked_fill(~mask[:, None, None], -math.inf)"
weights = f"torch.softmax({masked}, dim=-1)"
moved = "(weights @ v).transpose(1, 2)"
joined = f"{moved}.reshape(b, n, c)"

exercise.right("k.transpose(-1, -2) → k.transpose(-2, -1)", "the same two axes")
exercise.right("k.transpose(-1, -2) → k.transpose(-1, 2)", "axis 2 of four is axis −2")
exercise.right(f"{moved} → (weights @ v).transpose(2, 1)", "the same two axes")
exercise.right(f"{queries} → {asked}.reshape(b, n, heads, c // heads).transpose(2, 1)", "the same two axes")

exercise.mistake(
    f"{masked} → scores",
    "the mask is not used: places behind a caption's end are looked at like words. Their scores must be −∞ before the "
    "softmax.",
)
exercise.mistake(
    "~mask[:, None, None] → mask[:, None, None]",
    "the mask is inverted: it is true at real words, and the others get −∞.",
)
exercise.mistake(
    f"{masked} → scores * mask[:, None, None]",
    f"{masked} → scores.masked_fill(~mask[:, None, None], 0.0)",
    "masked scores become 0, and exp(0) is 1, so what is masked is still looked at: make them −∞.",
)
exercise.mistake(
    f"{weights} → torch.softmax(scores, dim=-1) * mask[:, None, None]",
    f"{weights} → torch.softmax(scores, dim=-1).masked_fill(~mask[:, None, None], 0.0)",
    "the mask comes after the softmax, so weights no longer add to one: put −∞ into the scores before it.",
)
exercise.mistake(
    f"{weights} → F.normalize(torch.softmax(scores, dim=-1) * mask[:, None, None], p=1.0, dim=-1)",
    f"{weights} → torch.softmax(scores, -1) * mask[:, None, None]"
    " / (torch.softmax(scores, -1) * mask[:, None, None]).sum(-1, keepdim=True)",
    "a masked place may have nearly all of the weight, and nothing is left of the words when it is taken away: mask "
    "the "
    "scores before the softmax.",
    credit=0.5,
)
exercise.mistake(
    "~mask[:, None, None] → ~mask[:1, None, None]",
    "every caption has a mask of its own: you use the first one for all.",
)
exercise.mistake(
    f"{masked} → (scores + mask[:, None, None])",
    "the mask is added to the scores as 0 and 1: masked scores are −∞.",
)
exercise.mistake(
    f"{told} → ((context * mask[:, :, None]) @ w_kv.T)\n{masked} → scores",
    "the words behind the end are set to zero, and a zero is still looked at, with score 0: mask the scores.",
)
exercise.mistake(
    f"""{masked} → scores.masked_fill(~mask.any(0), -math.inf)""",
    "one mask is made for the whole batch: a caption shorter than the longest looks at what stands behind its end.",
)
exercise.mistake(
    f"{scores} → {products}",
    "the scale is missing: divide the products of queries and keys by √(C/heads), or they grow with the dimension.",
)
exercise.mistake(
    "math.sqrt(c / heads) → math.sqrt(c)", "you divide by √C: each head has C/heads channels, so by √(C/heads)."
)
exercise.mistake("math.sqrt(c / heads) → (c / heads)", "you divide by C/heads: divide by its root.")
exercise.mistake(
    f"{weights} → torch.softmax({masked}, dim=-2)",
    "softmax runs over the queries: the weights of one query, over all words (the last axis of q kᵀ), add to one.",
)
exercise.mistake(
    f"{weights} → torch.softmax({masked}, dim=1)",
    "softmax runs over the heads: it runs over the words, the last axis of q kᵀ.",
)
exercise.mistake(
    f"{weights} → scores.masked_fill(~mask[:, None, None], 0.0)",
    "there is no softmax: the weights of every query are positive and add to one.",
)
exercise.mistake(
    "k, v → v, k",
    "keys and values are exchanged: the first C rows of w_kv are k, the next C are v.",
)
exercise.mistake(
    f"{permuted} → {told}.reshape(b, -1, heads, 2, c // heads).permute(3, 0, 2, 1, 4)",
    f"{permuted} → {told}.reshape(b, -1, heads, c // heads, 2).permute(4, 0, 2, 1, 3)",
    "the rows of w_kv are all keys, then all values: reshape to (2, heads, C/heads), the 2 first.",
)
exercise.mistake(
    f"""{queries} → {asked}.reshape(b, n, c // heads, heads).permute(0, 3, 1, 2)
        {permuted} → {told}.reshape(b, -1, 2, c // heads, heads).permute(2, 0, 4, 1, 3)
        {moved} → (weights @ v).permute(0, 2, 3, 1)""",
    "your heads take every h-th channel: heads are consecutive blocks, so reshape to (heads, C/heads), in this order.",
)
exercise.mistake(
    f"""{queries} → {asked}.reshape(b, n, 1, c).transpose(1, 2)
        {permuted} → {told}.reshape(b, -1, 2, 1, c).permute(2, 0, 3, 1, 4)
        math.sqrt(c / heads) → math.sqrt(c)""",
    f"""{queries} → {asked}.reshape(b, n, 1, c).transpose(1, 2)
        {permuted} → {told}.reshape(b, -1, 2, 1, c).permute(2, 0, 3, 1, 4)""",
    "there is one head only: split the channels into `heads` blocks, each with a softmax of its own.",
)
exercise.mistake(
    f"{moved} → (weights @ v)",
    "heads and places are mixed up where they are joined: bring (B, heads, N, C/heads) to (B, N, heads, C/heads) "
    "before "
    "you reshape to (B, N, C).",
)
exercise.mistake(
    f"{queries} → {asked}.reshape(b, heads, n, c // heads)",
    f"{permuted} → {told}.reshape(b, 2, heads, -1, c // heads).transpose(0, 1)",
    "your reshape tears tokens apart: split the channels first, to (B, N, heads, C/heads), then transpose.",
)
exercise.mistake(
    f"{joined} @ w_out.T → x + {joined} @ w_out.T",
    "x is added to the result: no residual here, whoever calls it adds x.",
)
exercise.mistake(
    f"{joined} @ w_out.T → {joined}", "the output weights w_out are not used: multiply the joined heads by them."
)
exercise.mistake(
    "w_out.T → w_out",
    "w_q.T → w_q",
    "weights are the wrong way round: as in F.linear, multiply by their transpose from the right.",
)
exercise.mistake(
    f"{asked} → x",
    "w_q is not used: queries are x w_qᵀ.",
)
exercise.mistake(
    f"""{weights} → scores.exp() * mask[:, None, None]
        {joined} → ((weights / weights.sum(-1, keepdim=True)) @ v).transpose(1, 2).reshape(b, n, c)""",
    "exp leaves the range of numbers where scores are large: use torch.softmax, which takes out each query's largest "
    "score "
    "first.",
    credit=0.5,
)


@exercise.mistake(
    "the queries come from the words and the keys from the picture: here x asks, so queries are x w_qᵀ and keys and "
    "values "
    "come from the context."
)
def the_other_way_round(x, context, mask, w_q, w_kv, w_out, heads):
    b, m, c = context.shape
    q = (context @ w_q.T).reshape(b, m, heads, c // heads).transpose(1, 2)
    k, v = (x @ w_kv.T).reshape(b, -1, 2, heads, c // heads).permute(2, 0, 3, 1, 4)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c / heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, m, c) @ w_out.T


@exercise.mistake("keys and values come from x, so nothing is heard of the caption: they are context w_kvᵀ.")
def self_attention(x, context, mask, w_q, w_kv, w_out, heads):
    b, n, c = x.shape
    q = (x @ w_q.T).reshape(b, n, heads, c // heads).transpose(1, 2)
    k, v = (x @ w_kv.T).reshape(b, n, 2, heads, c // heads).permute(2, 0, 3, 1, 4)
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(c / heads), dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, n, c) @ w_out.T
