"""Text to image: what a network is told reaches it, guidance is affine, and pictures are of their captions."""

import math

import pytest
import torch

from course.applications.reading import agreement, read
from course.applications.text_to_image import (
    SIGMA_DATA,
    CaptionUNet,
    VectorCondition,
    attention_maps,
    guided,
    sample,
    text_to_image,
    told,
)
from course.data import captions, draw_scenes, swapped
from course.guidance import classifier_free
from course.networks import UNet
from course.networks.condition import Condition
from course.networks.convolutional import CrossAttention, ModulatedBlock
from course.pretrained import UNTRAINED as NOT_YET
from course.pretrained import load
from course.scores import Preconditioned

UNTRAINED = pytest.mark.skipif("text_to_image_vector" in NOT_YET, reason="it is not trained yet to be told one vector")
CAPTIONS = ["a small red seven above a blue circle", "a green three", ""]


def woken(model, seed=0):
    """A network whose last layers, zero at first, are not, so that what it is told shows."""
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.data += 0.05 * torch.randn(p.shape, generator=generator)
    return model.eval().requires_grad_(False)


def small(by_words=True):
    network = CaptionUNet(**({"words": 64} if by_words else {"vector": 64}), widths=(32, 32), dim=32)
    return woken(Preconditioned(network, SIGMA_DATA))


def pictures(n=3, seed=1):
    return torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


# -- the network -------------------------------------------------------------------------------------------------------


def test_what_pixels_find_does_not_depend_on_the_order_of_tokens(normal):
    """Nor on padding; and where all tokens are one, every pixel finds the same."""
    layer, x = CrossAttention(32, 8).double(), normal(2, 32, 4, 4)
    words, mask = normal(2, 5, 8), torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]]).bool()
    order = torch.tensor([3, 0, 4, 2, 1])
    found = layer(x, words, mask)
    torch.testing.assert_close(layer(x, words[:, order], mask[:, order]), found)
    torch.testing.assert_close(layer(x, torch.where(mask[..., None], words, 9.0), mask), found)
    alike = layer(x, words[:, :1].expand(-1, 5, -1), mask)
    torch.testing.assert_close(alike, alike[:, :, :1, :1].expand_as(alike))


def test_a_modulated_block_scales_and_shifts_at_every_pixel(normal):
    """Against its equation, with a scale and a shift that are known at each pixel."""
    block, x = woken(ModulatedBlock(16, 6, context=8)).double(), normal(2, 16, 4, 4)
    embedding, words, mask = normal(2, 6), normal(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)
    told = block.project(embedding)[:, :, None, None] + block.found(block.cross(x, words, mask))
    normalized = torch.nn.functional.group_norm(block.conv1(x.sigmoid() * x), 8)
    inner = (1 + told[:, :16]) * normalized + told[:, 16:]
    torch.testing.assert_close(block(x, embedding, words, mask), x + block.conv2(inner.sigmoid() * inner))


@pytest.mark.parametrize("by_words", [True, False])
def test_at_first_the_denoiser_knows_no_caption(by_words):
    model = text_to_image(by_words)
    x = pictures()
    assert torch.equal(model(x, 1.0, *told(CAPTIONS, model)), model(x, 1.0, *told(["", "", ""], model)))
    assert sum(p.numel() for p in model.parameters()) < 1_450_000


@pytest.mark.parametrize("by_words", [True, False])
def test_captions_reach_the_network_one_by_one(by_words):
    model, x = small(by_words), pictures()
    found = model(x, 1.0, *told(CAPTIONS, model))
    other = model(x, 1.0, *told([CAPTIONS[0], "a green four", ""], model))
    assert [(a - b).abs().max() > 1e-5 for a, b in zip(found, other)] == [False, True, False]
    alone = model(x[1:2], 1.0, *told(CAPTIONS[1:2], model))
    torch.testing.assert_close(alone, found[1:2], rtol=1e-4, atol=1e-5)


def test_padding_changes_no_picture():
    model, x = small(), pictures()
    words, mask = told(CAPTIONS, model)
    other = torch.where(mask[..., None], words, 100.0)
    torch.testing.assert_close(model(x, 1.0, other, mask), model(x, 1.0, words, mask))


def test_networks_complain():
    x, model = pictures(), small()
    with pytest.raises(ValueError, match="as a vector or as words; got vector=None and words=None"):
        CaptionUNet()
    with pytest.raises(ValueError, match="patch of 1 or more; got -1000"):
        CaptionUNet(vector=8, patch=-1000)
    with pytest.raises(ValueError, match=r"a caption's vector \(3, 4\); got \(1, 4\)"):
        VectorCondition(16, 4)(x, 0.2, torch.zeros(1, 4))
    with pytest.raises(ValueError, match="told words and their mask; got 1 tensors"):
        model(x, 1.0, torch.zeros(3, 11, 64))
    with pytest.raises(ValueError, match=r"\(B, 3, 32, 32\); got \(3, 3, 16, 16\)"):
        model(x[..., :16, :16], 1.0, *told(CAPTIONS, model))
    with pytest.raises(ValueError, match="takes a context and its mask after the labels; got 0"):
        UNet(3, (16, 16), block=ModulatedBlock, context=8)(torch.zeros(1, 3, 8, 8), 0.1)
    with pytest.raises(ValueError, match="takes no context after the labels; got 2"):
        UNet(3, (16, 16))(torch.zeros(1, 3, 8, 8), 0.1, None, torch.zeros(1, 2, 8), torch.ones(1, 2).bool())
    with pytest.raises(ValueError, match="steps of 2 or more"):
        sample(CAPTIONS, steps=1, model=model)
    with pytest.raises(ValueError, match="no word 'mauve'"):
        sample(["a mauve seven"], model=model)
    with pytest.raises(ValueError, match="scale to be finite; got nan"):
        guided(model, CAPTIONS, math.nan)


def test_a_vector_joins_the_time():
    condition = woken(VectorCondition(16, 4))
    plain = Condition(16)
    plain.time.load_state_dict(condition.time.state_dict())
    x, vector = torch.zeros(3, 1), torch.randn(3, 4)
    given = condition(x, 0.2, vector)
    assert given.shape == plain(x, 0.2).shape
    assert not torch.allclose(given[0], given[1])


# -- guidance and sampling ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_words", [True, False])
def test_guidance_is_affine_between_caption_and_none(by_words):
    model, x = small(by_words), pictures()
    conditional = model(x, 1.0, *told(CAPTIONS, model))
    unconditional = model(x, 1.0, *told(["", "", ""], model))
    for scale in (0.0, 1.0, 3.0):
        expected = classifier_free(conditional, unconditional, scale)
        for sigma in (1.0, torch.ones(3)):
            torch.testing.assert_close(guided(model, CAPTIONS, scale)(x, sigma), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(conditional[2], unconditional[2], rtol=1e-4, atol=1e-5)  # an empty caption is none


def test_the_same_seed_gives_the_same_picture():
    model = small()
    a, b, c = (sample(CAPTIONS, 2.0, torch.Generator().manual_seed(s), 3, model) for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.shape == (3, 3, 32, 32)
    assert not a.requires_grad


def test_attention_maps_are_shares_of_the_words():
    model, x = small(), pictures()
    maps = attention_maps(model, x, 1.0, CAPTIONS)
    assert [m.shape[1:3] for m in maps] == [(8, 8), (4, 4), (4, 4), (4, 4), (8, 8)]
    for m in maps:
        torch.testing.assert_close(m.sum(-1), torch.ones(m.shape[:3]))
        assert (m[1, ..., 4:] == 0).all()  # "a green three" has a start and three words
        assert (m[2, ..., 0] == 1).all()  # an empty caption has only its start
    assert not [hook for layer in model.modules() for hook in layer._forward_hooks.values()]
    assert attention_maps(small(by_words=False), x, 1.0, CAPTIONS) == []


# -- what is learned ---------------------------------------------------------------------------------------------------


def share(name, split, n, scale):
    scenes = draw_scenes(n, torch.Generator().manual_seed(7), split)
    found = sample(captions(scenes), scale, torch.Generator().manual_seed(8), model=load(name))
    return agreement(read(found), scenes)


@pytest.mark.slow
@pytest.mark.parametrize(("split", "least"), [("test", 0.84), ("held_out", 0.82)])
def test_pictures_are_of_their_captions(split, least):
    """By chance, a picture of another caption has about a third of the attributes."""
    assert share("text_to_image", split, 48, 4.0)["attributes"] > least


@UNTRAINED
def test_one_vector_draws_too():
    assert share("text_to_image_vector", "test", 48, 3.0)["attributes"] > 0.7


@pytest.mark.slow
def test_wrong_captions_are_not_agreed_with():
    """The control: pictures of the same words in another order are not read as the scenes that were asked for."""
    scenes = draw_scenes(48, torch.Generator().manual_seed(9), "test", single=0.0)
    found = read(sample(captions(swapped(scenes)), 3.0, torch.Generator().manual_seed(8)))
    assert agreement(found, scenes)["things swapped"] > 0.5
    assert agreement(found, swapped(scenes))["things swapped"] < 0.1
    assert agreement(found, scenes)["kind"] < 0.4


@pytest.mark.slow
def test_guidance_sharpens():
    """At scale 0 the caption is not heard; chance for a colour is one in eight or so."""
    scenes = draw_scenes(48, torch.Generator().manual_seed(9), "test")
    deaf = agreement(read(sample(captions(scenes), 0.0, torch.Generator().manual_seed(8))), scenes)
    assert deaf["colour"] < 0.35
    assert deaf["kind"] < 0.3
