"""CLIP: its loss in closed forms, encoders that heed padding and order as they should, and what it finds."""

import math

import pytest
import torch
from torch.nn import functional as F

from course.applications.clip import CLIP, ImageEncoder, clip, clip_loss, encode_captions, similarity
from course.data import captions, draw_scenes, recoloured, render, select, swapped, tokenize
from course.data.scenes import LENGTH, NONE, WORDS
from course.networks import cross_attention, self_attention
from course.networks.layers import attention_weights
from course.networks.text import BagOfWords, TextEncoder
from course.pretrained import load

# -- the loss ----------------------------------------------------------------------------------------------------------


def test_loss_is_two_cross_entropies(normal):
    u, v, tau = normal(5, 3), normal(5, 3), 0.3
    total = 0.0
    for i in range(5):
        s = [[float(a @ b / (a.norm() * b.norm())) / tau for b in v] for a in u]
        row, column = s[i], [s[j][i] for j in range(5)]
        total -= s[i][i] - math.log(sum(map(math.exp, row))) + s[i][i] - math.log(sum(map(math.exp, column)))
    assert clip_loss(u, v, tau).item() == pytest.approx(total / 10)


def test_loss_where_it_is_known(normal):
    b, tau = 6, 0.5
    alike = normal(1, 4).expand(b, -1)
    assert clip_loss(alike, alike, tau).item() == pytest.approx(math.log(b))
    corners = torch.eye(b).double()
    expected = math.log(math.exp(1 / tau) + b - 1) - 1 / tau
    assert clip_loss(corners, corners, tau).item() == pytest.approx(expected)
    assert clip_loss(7 * corners, 0.1 * corners, tau).item() == pytest.approx(expected)


def test_loss_treats_both_alike_and_pairs_in_any_order(normal):
    u, v, order = normal(7, 4), normal(7, 4), torch.randperm(7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(clip_loss(u, v, 0.2), clip_loss(v, u, 0.2))
    torch.testing.assert_close(clip_loss(u, v, 0.2), clip_loss(u[order], v[order], 0.2))
    assert clip_loss(u, u, 0.2) < clip_loss(u, u.roll(1, 0), 0.2)


def test_loss_complains(normal):
    with pytest.raises(ValueError, match=r"both \(B, E\); got \(4, 3\) and \(5, 3\)"):
        clip_loss(normal(4, 3), normal(5, 3), 0.1)
    with pytest.raises(ValueError, match="temperature to be positive"):
        clip_loss(normal(4, 3), normal(4, 3), 0.0)
    with pytest.raises(TypeError, match="floating-point"):
        clip_loss(torch.ones(4, 3).long(), normal(4, 3), 0.1)


# -- cross-attention ---------------------------------------------------------------------------------------------------


def parts(normal, b=3, n=5, m=7, c=8):
    mask = torch.arange(m) < torch.tensor([[m], [4], [1]])[:b]
    return normal(b, n, c), normal(b, m, c), mask, normal(c, c), normal(2 * c, c), normal(c, c)


def test_cross_attention_is_the_double_loop(normal):
    x, context, mask, w_q, w_kv, w_out = parts(normal)
    heads, d = 2, 4
    found = cross_attention(x, context, mask, w_q, w_kv, w_out, heads)
    for b in range(3):
        real = context[b][mask[b]]
        keys, values = (real @ w_kv.T).chunk(2, dim=1)
        for n in range(5):
            q, gathered = w_q @ x[b, n], []
            for h in range(heads):
                part = slice(h * d, (h + 1) * d)
                weights = (keys[:, part] @ q[part] / d**0.5).softmax(0)
                gathered.append(weights @ values[:, part])
            torch.testing.assert_close(found[b, n], w_out @ torch.cat(gathered))


def test_cross_attention_to_itself_is_self_attention(normal):
    x, _, _, w_q, w_kv, w_out = parts(normal)
    everything = torch.ones(3, 5, dtype=torch.bool)
    found = cross_attention(x, x, everything, w_q, w_kv, w_out, 4)
    torch.testing.assert_close(found, self_attention(x, torch.cat([w_q, w_kv]), w_out, 4))
    half = [a.bfloat16() for a in (x, torch.cat([w_q, w_kv]), w_out)]  # another way to the same numbers
    torch.testing.assert_close(self_attention(*half, 4).double(), found, rtol=0.1, atol=0.5)


def test_padding_and_the_order_of_tokens_change_nothing(normal):
    x, context, mask, *weights = parts(normal)
    found = cross_attention(x, context, mask, *weights, 2)
    other = torch.where(mask[..., None], context, 100 * normal(3, 7, 8))
    torch.testing.assert_close(cross_attention(x, other, mask, *weights, 2), found)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(cross_attention(x, context[:, order], mask[:, order], *weights, 2), found)
    one = cross_attention(x, context, mask, *weights, 2)[2]  # a single real token: everyone gets its value
    torch.testing.assert_close(one, (weights[1][8:] @ context[2, 0] @ weights[2].T).expand(5, -1))


def test_attention_weights_are_probabilities_of_real_tokens(normal):
    x, context, mask, w_q, w_kv, _ = parts(normal)
    weights = attention_weights(x, context, mask, w_q, w_kv, 2)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 5).double())
    assert (weights[~mask[:, None, None].expand_as(weights)] == 0).all()


def test_cross_attention_takes_a_context_of_other_channels(normal):
    x, _, mask, w_q, _, w_out = parts(normal)
    assert cross_attention(x, normal(3, 7, 5), mask, w_q, normal(16, 5), w_out, 2).shape == x.shape


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mask": torch.zeros(3, 7, dtype=torch.bool)}, "at least one real token"),
        ({"mask": torch.ones(3, 6, dtype=torch.bool)}, r"mask of shape \(3, 7\)"),
        ({"w_kv": torch.zeros(8, 8).double()}, r"w_kv \(16, 8\)"),
        ({"w_out": torch.zeros(4, 8).double()}, r"w_out of shape \(8, 8\)"),
        ({"context": torch.zeros(2, 7, 8).double()}, r"context \(B, M, C\)"),
        ({"heads": 3}, "Heads share the channels evenly"),
    ],
)
def test_cross_attention_complains(normal, change, sentence):
    names = ("x", "context", "mask", "w_q", "w_kv", "w_out")
    given = dict(zip(names, parts(normal))) | {"heads": 2} | change
    with pytest.raises(ValueError, match=sentence):
        cross_attention(**given)


def test_a_mask_is_bool(normal):
    x, context, mask, *weights = parts(normal)
    with pytest.raises(TypeError, match=r"Try `mask\.bool\(\)`"):
        cross_attention(x, context, mask.long(), *weights, 2)


# -- encoders ----------------------------------------------------------------------------------------------------------


def told(n=40, seed=0):
    scenes = draw_scenes(n, torch.Generator().manual_seed(seed), single=0.0)
    return tokenize(captions(scenes)), tokenize(captions(swapped(scenes)))


def test_padding_says_nothing_to_text_encoders():
    (tokens, mask), _ = told()
    for encoder in (TextEncoder(len(WORDS), LENGTH), BagOfWords(len(WORDS))):
        words, vectors = encoder(tokens, mask)
        noise = torch.where(mask, tokens, 5)
        again, same = encoder(noise, mask)
        torch.testing.assert_close(same, vectors)
        torch.testing.assert_close(again[mask], words[mask])


def test_only_the_bag_of_words_is_blind_to_order():
    (tokens, mask), (turned, _) = told()
    changed = (tokens != turned).any(1)
    torch.manual_seed(0)
    bag, transformer = BagOfWords(len(WORDS)), TextEncoder(len(WORDS), LENGTH)
    assert torch.equal(bag(tokens, mask)[1], bag(turned, mask)[1])
    assert ((transformer(tokens, mask)[1] != transformer(turned, mask)[1]).any(1) == changed).all()


def test_encoders_complain():
    encoder = TextEncoder(len(WORDS), LENGTH)
    with pytest.raises(ValueError, match="at most 11 tokens; got 12"):
        encoder(torch.ones(2, 12).long(), torch.ones(2, 12).bool())
    with pytest.raises(ValueError, match="mask of shape"):
        encoder(torch.ones(2, 11).long(), torch.ones(2, 10).bool())
    with pytest.raises(ValueError, match="int64"):
        encoder(torch.ones(2, 11), torch.ones(2, 11).bool())
    with pytest.raises(ValueError, match=r"\(B, 3, 32, 32\); got \(2, 3, 16, 16\)"):
        ImageEncoder()(torch.zeros(2, 3, 16, 16))


def test_embeddings_have_length_one():
    (tokens, mask), _ = told(6)
    for embedding in CLIP()(torch.zeros(6, 3, 32, 32), tokens, mask):
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(6))


# -- what is learned ---------------------------------------------------------------------------------------------------


def unseen(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scenes = draw_scenes(4 * n, generator, "test")
    names, keep = captions(scenes), {}
    for i, name in enumerate(names):
        keep.setdefault(name, i)
    scenes = select(scenes, list(keep.values())[:n])
    return scenes, render(scenes, generator, "test")


def test_clip_finds_the_caption_among_64():
    hits = []
    for seed in range(4):
        scenes, pictures = unseen(64, seed)
        hits.append(similarity(pictures, captions(scenes)).argmax(1) == torch.arange(64))
    assert torch.cat(hits).float().mean() > 0.9


def test_clip_tells_twins_apart_and_a_bag_of_words_cannot():
    scenes, pictures = unseen(300)
    scenes, pictures = select(scenes, scenes.relation != NONE), pictures[scenes.relation != NONE]
    bag, image = load("bag_of_words"), F.normalize(clip().image(pictures), dim=1)
    found = image @ F.normalize(bag(*tokenize(captions(scenes)))[1], dim=1).T
    assert (found.argmax(1) == torch.arange(len(found))).float().mean() > 0.6  # it knows the words
    for twin in (swapped(scenes), recoloured(scenes)):
        differ = torch.tensor([a != b for a, b in zip(captions(scenes), captions(twin))])
        ours, theirs = (similarity(pictures, captions(some)).diagonal() for some in (scenes, twin))
        assert (ours > theirs)[differ].float().mean() > 0.9
        a, b = (bag(*tokenize(captions(some)))[1] for some in (scenes, twin))
        assert torch.equal(a, b)


def test_captions_are_encoded():
    words, mask, vectors = encode_captions(["", "a green three"])
    assert words.shape == (2, LENGTH, 64)
    assert vectors.shape == (2, 64)
    assert mask.sum(1).tolist() == [1, 4]
    with pytest.raises(ValueError, match="no word 'grey'"):
        encode_captions(["a grey three"])
