"""Captioned scenes: words and pictures say the same, nothing that is held out is trained on, and a reader agrees."""

import pytest
import torch

from course.applications.reading import agreement, diversity, read, reader_loss, scene_reader
from course.data import (
    Scenes,
    canonical,
    captions,
    draw_scenes,
    is_held_out,
    parse,
    recoloured,
    render,
    restated,
    select,
    settled,
    swapped,
    tokenize,
)
from course.data.rendering import ASIDE, PIXELS, RGB, SIDE, _places
from course.data.scenes import COLOURS, KINDS, NONE, RELATIONS, SPLITS, WORDS


def drawn(n=2000, split="train", seed=0, **shares):
    return draw_scenes(n, torch.Generator().manual_seed(seed), split, **shares)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b))


# -- what is drawn -----------------------------------------------------------------------------------------------------


def test_same_seed_same_scenes_and_pictures():
    assert same(drawn(50), drawn(50))
    assert not same(drawn(50), drawn(50, seed=1))
    pictures = [render(drawn(50), torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


def test_a_fifth_of_all_pairs_never_occurs_in_training():
    pairs = torch.cartesian_prod(torch.arange(len(KINDS)), torch.arange(len(COLOURS)))
    second = torch.full((len(pairs),), NONE)
    alone = [torch.stack([field, second], 1) for field in pairs.T]
    left_out = is_held_out(Scenes(alone[0], alone[1], torch.full_like(alone[0], NONE), second))
    assert left_out.sum() == round(len(pairs) / 5)
    trained = drawn(20_000)
    told = {pair for pair in zip(trained.kind.flatten().tolist(), trained.colour.flatten().tolist()) if pair[0] >= 0}
    assert told == {tuple(pair.tolist()) for pair in pairs[~left_out]}


def test_whole_triples_never_occur_in_training_and_twins_are_the_same_triple():
    trained = canonical(drawn(40_000, single=0.0))
    triples = set(zip(trained.kind[:, 0].tolist(), trained.relation.tolist(), trained.kind[:, 1].tolist()))
    assert {r for _, r, _ in triples} == {0, 1}
    missing = len(KINDS) ** 2 * 2 - len(triples)
    assert 0.1 < missing / (len(KINDS) ** 2 * 2) < 0.13
    for split in SPLITS:
        scenes = drawn(1000, split)
        assert bool(is_held_out(scenes).all() if split == "held_out" else not is_held_out(scenes).any())
        assert torch.equal(is_held_out(scenes), is_held_out(restated(scenes)))


def test_scenes_of_two_things_for_tests_are_none_of_training():
    def keys(split):
        scenes = canonical(drawn(20_000, split, single=0.0))
        return set(map(tuple, torch.cat([scenes.kind, scenes.colour, scenes.relation[:, None]], 1).tolist()))

    assert not keys("train") & keys("test")


def test_made_from_scenes():
    scenes = drawn()
    two = scenes.relation != NONE
    assert same(restated(restated(scenes)), scenes)
    assert same(swapped(swapped(scenes)), scenes)
    assert same(canonical(restated(scenes)), canonical(scenes))
    assert (canonical(scenes).relation < 2).all()
    for other in (swapped, recoloured):
        for a, b in zip(captions(scenes), captions(other(scenes))):
            assert sorted(a.split()) == sorted(b.split())
    assert not same(canonical(select(swapped(scenes), two)), canonical(select(scenes, two)))


# -- words -------------------------------------------------------------------------------------------------------------


def test_captions_are_parsed_back():
    scenes = drawn(500)
    again = Scenes(*map(torch.cat, zip(*map(parse, captions(scenes)))))
    assert same(again, scenes)
    assert captions(parse("A small red seven above a blue circle.")) == ["a small red seven above a blue circle"]


@pytest.mark.parametrize(
    ("caption", "sentence"),
    [
        ("a small mauve seven", "no word 'mauve' in this course's captions; there are a, small, large, red"),
        ("", "An empty caption tells of no scene"),
        ("a red", "Expected a thing at the end"),
        ("a seven red", "Expected a colour before 'seven'"),
        ("a red small seven", "Expected a thing before 'small'"),
        ("red seven", "Expected 'a' before 'red'"),
        ("a red seven left a blue star", "Expected above, below, left of or right of after the first thing"),
        ("a red seven a blue star", "Expected above, below, left of or right of"),
        ("a red seven above a blue star above a", "ends after its second thing; got 'above a' more"),
    ],
)
def test_wrong_captions_are_told_in_one_sentence(caption, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        parse(caption)
    assert "\n" not in str(error.value)


def test_tokens_are_words():
    scenes = drawn(300)
    tokens, mask = tokenize(["", *captions(scenes)])
    assert tokens.shape == mask.shape == (301, 11)
    assert mask[0].tolist() == [True] + 10 * [False]
    assert torch.equal(mask, tokens != 0)
    assert [" ".join(WORDS[i] for i in row[1:] if i) for row in tokens[1:].tolist()] == captions(scenes)


def test_tokenize_complains():
    with pytest.raises(TypeError, match=r"tokenize\(\['a red seven'\]\)"):
        tokenize("a red seven")
    with pytest.raises(ValueError, match="no word 'over'"):
        tokenize(["a red seven over a blue star"])
    with pytest.raises(ValueError, match="at most 10 words; got 11"):
        tokenize(["a " * 11])
    with pytest.raises(TypeError, match="got a value of type int"):
        tokenize([3])
    with pytest.raises(ValueError, match="Expected a colour before 'seven' in 'a seven red'"):
        tokenize(["", "a seven red"])


def test_tokenize_takes_what_parse_takes():
    generator = torch.Generator().manual_seed(0)
    words = [caption.split() for caption in captions(drawn(300))]
    told = [" ".join(some[i] for i in torch.randperm(len(some), generator=generator)) for some in words]
    told += [" ".join(some[:-1]) for some in words] + [" ".join(some) for some in words]
    assert [fails(lambda text: tokenize([text]), text) for text in told] == [fails(parse, text) for text in told]


def fails(function, text):
    try:
        function(text)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("field", "change", "sentence"),
    [
        ("kind", lambda a: a[:-1], r"size of scenes \(N, 2\) and relation \(N,\); got kind \(2, 2\), colour \(3, 2\)"),
        ("relation", lambda a: a[:, None], r"relation \(N,\); got kind \(3, 2\), .*, relation \(3, 1\)"),
        ("colour", lambda a: a + 8, "Expected colour of scenes from -1 to 7; got"),
        ("size", lambda a: a.float(), "Expected size of scenes as whole numbers, int64; got torch.float32"),
        ("kind", lambda a: a.tolist(), "Expected kind to be a tensor; got a value of type list"),
    ],
)
@pytest.mark.parametrize("function", [captions, canonical, recoloured, is_held_out, lambda some: select(some, [0])])
def test_wrong_scenes_are_told_by_their_field(function, field, change, sentence):
    scenes = drawn(3)
    with pytest.raises((ValueError, TypeError), match=sentence):
        function(scenes._replace(**{field: change(getattr(scenes, field))}))


@pytest.mark.parametrize(
    "index", [[0, 3], [-4], torch.tensor([[0]]), torch.tensor([True]), torch.tensor([0.5]), None, 1]
)
def test_a_wrong_index_selects_no_scenes(index):
    with pytest.raises((ValueError, TypeError), match=r"to select scenes|Scenes are selected by"):
        select(drawn(3), index)
    assert same(select(drawn(3), [0, -1]), select(drawn(3), torch.tensor([True, False, True])))


def test_draw_and_render_complain():
    generator = torch.Generator()
    with pytest.raises(ValueError, match="splits train, test, held_out; got 'val'"):
        draw_scenes(1, generator, "val")
    with pytest.raises(ValueError, match="between 0 and 1; got 2 "):
        draw_scenes(1, generator, sized=2)
    with pytest.raises(TypeError, match="generator"):
        draw_scenes(1, 0)
    with pytest.raises(ValueError, match='"train" and "test"; got \'held_out\''):
        render(drawn(1), generator, "held_out")
    with pytest.raises(ValueError, match="multiples of 1 or 4 pixels; got 3"):
        render(drawn(1), generator, grid=3)


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [1, 4])
def test_things_lie_as_told_within_the_picture_and_apart(grid):
    scenes = settled(drawn(5000, sized=1.0), torch.Generator())
    corner = _places(scenes, torch.Generator().manual_seed(0), grid)
    side = torch.tensor(PIXELS)[scenes.size.clamp(min=0)]
    there = scenes.kind != NONE
    assert (corner[there] >= 0).all()
    assert (corner + side[..., None])[there].max() == SIDE - (grid > 1)
    box = (corner - ((-side % grid) // 2)[..., None])[there]
    assert (box % grid == 0).all()
    two = scenes.relation != NONE
    centre = (corner + side[..., None] / 2)[two]
    ahead = centre[:, 1] - centre[:, 0]
    relation = scenes.relation[two]
    along = ahead.gather(1, (relation % 2)[:, None])[:, 0] * torch.where(relation < 2, 1, -1)
    across = ahead.gather(1, 1 - (relation % 2)[:, None])[:, 0]
    assert (along >= side[two].sum(1) / 2 + 1).all()
    assert across.abs().max() <= ASIDE + 1 + grid // 2
    assert RELATIONS[0] == "above"
    assert RELATIONS[1] == "left of"


def test_pictures_hold_the_colours_of_their_things_and_black():
    scenes = drawn(200, single=1.0)
    pictures = render(scenes, torch.Generator().manual_seed(0))
    assert pictures.shape == (200, 3, 32, 32)
    ink = (pictures + 1) / 2
    amount = ink.amax((1, 2, 3), keepdim=True)
    brightest = ink.flatten(2).gather(2, ink.sum(1).flatten(1).argmax(1)[:, None, None].expand(-1, 3, 1))[..., 0]
    torch.testing.assert_close(
        brightest / brightest.amax(1, True), RGB[scenes.colour[:, 0]] / RGB[scenes.colour[:, 0]].amax(1, True)
    )
    assert amount.min() > 0.5
    outside = ink.sum(1) == 0
    assert outside.float().mean() > 0.7


def test_twins_have_the_same_pictures():
    """Told from its other thing, a scene has other random numbers, but the reader reads the same."""
    scenes = settled(drawn(200, "test"), torch.Generator())
    for told in (scenes, restated(scenes)):
        found = read(render(told, torch.Generator().manual_seed(1), "test"))
        assert agreement(found, scenes)["attributes"] > 0.98


# -- the reader --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["test", "held_out"])
def test_reader_is_right_on_unseen_scenes(split):
    generator = torch.Generator().manual_seed(2)
    scenes = settled(drawn(400, split, seed=3), generator)
    found = agreement(read(render(scenes, generator, "test")), scenes)
    assert found["attributes"] > 0.985
    assert found["colour"] > 0.985
    assert found["relation"] > 0.985


def test_agreement_counts():
    scenes = canonical(drawn(1000, single=0.0))
    perfect = agreement(scenes, restated(scenes))
    assert [perfect[name] for name in ("kind", "colour", "size", "relation", "attributes", "scenes")] == 6 * [1.0]
    crossed = agreement(recoloured(scenes), scenes)
    assert crossed["colours swapped"] == 1
    assert crossed["kind"] == crossed["relation"] == 1
    equal = scenes.colour[:, 0] == scenes.colour[:, 1]
    assert crossed["colour"] == pytest.approx(equal.float().mean().item())
    turned = agreement(canonical(swapped(scenes)), scenes)
    assert turned["things swapped"] == turned["colours swapped"] == 1
    chance = agreement(drawn(1000, single=0.0, seed=9), scenes)
    assert chance["kind"] < 0.15
    nothing = Scenes(*(torch.full_like(field, NONE) for field in scenes))
    assert agreement(nothing, scenes)["attributes"] == 0


def test_open_sizes_are_not_asked_for():
    scenes = canonical(drawn(300, sized=0.0))
    generator = torch.Generator().manual_seed(0)
    assert agreement(settled(scenes, generator), scenes)["scenes"] == 1
    with pytest.raises(ValueError, match="canonical scenes of decided sizes"):
        reader_loss(scene_reader(), torch.zeros(300, 3, 32, 32), scenes)


# -- diversity ---------------------------------------------------------------------------------------------------------


def test_diversity_of_copies_and_of_moved_copies():
    one = -torch.ones(1, 3, 32, 32)
    one[:, :, 10:14, 10:14] = 1.0
    assert diversity(one.expand(5, -1, -1, -1)) == {"pictures": 0.0, "places": 0.0, "strokes": 0.0}
    moved = torch.cat([one.roll((down, 0), (2, 3)) for down in (0, 4, 8)])
    found = diversity(moved)
    assert found["strokes"] == 0
    assert found["places"] == pytest.approx((4**2 / 2) ** 0.5)  # the variance of 0, 4, 8 is 16, of the columns 0
    assert found["pictures"] == pytest.approx((2 * 16 * 4 / 1024) ** 0.5)  # two squares of 16 pixels apart, by 2 each
    with pytest.raises(ValueError, match="two pictures or more; got 1"):
        diversity(one)
