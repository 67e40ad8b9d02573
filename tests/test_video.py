"""Moving digits, attention across frames, text to video: exact motion, naive loops, identities, an exact sampler."""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course import pretrained
from course.applications.video import (
    frame_by_frame,
    judge,
    moves_as_told,
    path,
    recentred,
    sample_clips,
    video_denoiser,
)
from course.data import mnist
from course.data.moving import (
    FRAMES,
    HELD_OUT,
    NOTHING,
    SEEN,
    STILL,
    caption,
    centre_of_ink,
    moving_digits,
    read_captions,
    render,
    set_in_motion,
)
from course.films import animate, filmstrip, player
from course.networks import VideoUNet, self_attention, temporal_attention
from course.pretrained import films

UNTRAINED = pytest.mark.skipif("video" in pretrained.UNTRAINED, reason="the network of films is not trained yet")

EVERY = torch.ones(10, 5, dtype=torch.bool)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def real():
    """Clips of unseen digits, and what their captions say."""
    clips, captions = moving_digits(100, seeded(), split="test", pairs=EVERY)
    return clips, read_captions(captions)


@pytest.fixture(scope="module")
def untrained():
    """A small network that answers to all it is told, its attention across frames still zero, as at first."""
    torch.manual_seed(0)
    net = VideoUNet(size=12, patch=3, widths=(16, 16)).double()
    for module in net.images.modules():
        for name, weights in module.named_parameters(recurse=False):
            if name in ("weight", "w_out") and not weights.any():
                torch.nn.init.normal_(weights, std=0.1)
    return net.requires_grad_(False)


# -- data --------------------------------------------------------------------------------------------------------------


def test_ink_moves_by_the_velocity_and_is_never_lost():
    images, labels = (a[:50].double() for a in mnist(28))
    clips, told = set_in_motion(images, labels.long(), seeded(), pairs=EVERY)
    centre, ink = centre_of_ink(clips), ((clips + 1) / 2).sum((2, 3, 4))
    velocity = centre.diff(dim=1)
    torch.testing.assert_close(velocity, velocity[:, :1].expand_as(velocity), atol=1e-9, rtol=0)
    torch.testing.assert_close(ink, ((images + 1) / 2).sum((1, 2, 3))[:, None].expand_as(ink) / 4)
    speed = velocity[:, 0].norm(dim=1)
    assert (speed[told[:, 1] == STILL] < 1e-9).all()
    for pace, (low, high) in enumerate(((0.4, 0.8), (1.3, 1.8))):
        assert ((speed > low - 1e-6) & (speed < high + 1e-6))[told[:, 2] == pace].all()


def test_render_shares_every_pixel_linearly(normal):
    """Against a loop over all pixels of the digit."""
    image = normal(1, 1, 5, 6).tanh()
    start, velocity = torch.tensor([[3.3, 2.6]]).double(), torch.tensor([[0.7, -0.25]]).double()
    found = render(image, start, velocity, frames=3, size=8)
    ink, centre = (image[0, 0] + 1) / 2, centre_of_ink(image)[0]
    for f in range(3):
        frame = torch.zeros(8, 8).double()
        for i in range(5):
            for j in range(6):
                y, x = start[0] + f * velocity[0] + 0.5 * (torch.tensor([i, j]) - centre)
                for row in range(8):
                    for column in range(8):
                        share = max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column))
                        frame[row, column] += 0.25 * share * ink[i, j]
        torch.testing.assert_close(found[0, f, 0], 2 * frame - 1)


def test_a_fifth_of_the_pairs_is_held_out():
    assert HELD_OUT.sum() == 8
    assert not HELD_OUT[:, STILL].any()
    for pairs in (SEEN, HELD_OUT):
        _, captions = moving_digits(300, seeded(), pairs=pairs)
        digit, motion, _ = read_captions(captions).T
        assert pairs[digit, motion].all()
        assert (torch.zeros_like(pairs).index_put((digit, motion), torch.tensor(True)) == pairs).all()


def test_clips_come_from_the_seed_and_are_quick():
    (a, said), (b, _), (c, _) = (moving_digits(20, seeded(s)) for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.shape == (20, FRAMES, 1, 24, 24)
    assert len(said) == 20
    assert a.min() == -1
    assert a.max() <= 1


def test_captions_say_what_they_were_told():
    for told in product(range(11), range(6), range(3)):
        heard = tuple(read_captions([caption(told)])[0].tolist())
        assert caption(heard) == caption(told)
        if told[1] < STILL and told[2] < 2:
            assert heard == told
    said = ["a three moves quickly to the right", "It falls.", "an eight stands still", "a two", ""]
    assert read_captions(said).tolist() == [[3, 0, 1], [10, 3, 2], [8, 4, 2], [2, 5, 2], list(NOTHING)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a purple five", "no word 'purple'; their words are a, an, eight"),
        ("falls a five", "no caption in this order"),
        ("a three stands slowly still", "no caption in this order"),
    ],
)
def test_wrong_captions(text, message):
    with pytest.raises(ValueError, match=message):
        read_captions(["a three falls", text])


def test_wrong_clips():
    images = mnist(28)[0][:2]
    with pytest.raises(ValueError, match="In 8 frames a quick digit needs a frame of 24 × 24 or more; got 16"):
        moving_digits(2, size=16)
    with pytest.raises(ValueError, match=r"booleans \[digit, motion\], shape \(10, 5\)"):
        moving_digits(2, pairs=torch.ones(10, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match="lets no two move"):
        set_in_motion(images, torch.tensor([2, 2]), pairs=HELD_OUT)
    with pytest.raises(ValueError, match=r"start as \(row, column\) of each digit, \(2, 2\); got \(2,\)"):
        render(images, torch.zeros(2), torch.zeros(2, 2))
    with pytest.raises(TypeError, match="list of captions"):
        read_captions("a three falls")
    with pytest.raises(TypeError, match="generator such as"):
        moving_digits(2, 0)


# -- attention across frames -------------------------------------------------------------------------------------------


def test_temporal_attention_is_attention_at_each_pixel(normal):
    x, w_qkv, w_out = normal(2, 3, 4, 5, 2), normal(12, 4), normal(4, 4)
    attend = lambda tokens: self_attention(tokens, w_qkv, w_out, 2)
    found = temporal_attention(x, attend)
    for b in range(2):
        for i in range(5):
            for j in range(2):
                torch.testing.assert_close(found[b, :, :, i, j], attend(x[b, None, :, :, i, j])[0])
    order = [2, 0, 1]
    torch.testing.assert_close(temporal_attention(x[:, order], attend), found[:, order])


def test_attention_that_looks_everywhere_alike_is_the_mean_over_frames(normal):
    x, eye, zero = normal(2, 5, 4, 3, 3), torch.eye(4).double(), torch.zeros(8, 4).double()
    found = temporal_attention(x, lambda tokens: self_attention(tokens, torch.cat([zero, eye]), eye, 2))
    torch.testing.assert_close(found, x.mean(1, keepdim=True).expand_as(x))


def test_temporal_attention_refuses(normal):
    with pytest.raises(ValueError, match=r"shape \(B, F, C, H, W\); got \(2, 3, 4, 5\)"):
        temporal_attention(normal(2, 3, 4, 5), lambda tokens: tokens)
    with pytest.raises(ValueError, match=r"Expected attend\(x, …\) to return x's shape \(8, 3, 4\); got \(8, 3, 2\)"):
        temporal_attention(normal(2, 3, 4, 2, 2), lambda tokens: tokens[..., :2])


# -- the network -------------------------------------------------------------------------------------------------------


def test_at_first_a_clip_is_its_frames_one_by_one(untrained, normal):
    """And no longer when attention across frames has weights."""
    x, first = normal(3, 4, 1, 12, 12), normal(3, 1, 12, 12)
    told, t = torch.tensor([[1, 2, 0], [10, 5, 2], [9, 4, 1]]), normal(3)
    together, apart = untrained(x, t, told, first), frame_by_frame(untrained)(x, t, told, first)
    torch.testing.assert_close(together, apart)
    across = untrained.across[2].w_out
    try:
        torch.nn.init.constant_(across, 0.3)
        assert (untrained(x, t, told, first) - apart).abs().max() > 1e-3
        torch.testing.assert_close(
            untrained(x[:, 2:3], t, told, first, torch.full((3, 1), 2)),
            frame_by_frame(untrained)(x, t, told, first)[:, 2:3],
        )
    finally:
        torch.nn.init.zeros_(across)


def test_everything_that_is_told_is_heard(untrained, normal):
    x, first, t = normal(2, 3, 1, 12, 12), normal(2, 1, 12, 12), normal(2)
    nothing = untrained(x, t)
    torch.testing.assert_close(untrained(x, t, torch.tensor([NOTHING, NOTHING])), nothing)
    different = [{"told": torch.tensor([[10, 3, 2], [2, 5, 2]])}, {"at": torch.tensor([[2, 1, 0]] * 2)}]
    different += [{"first": first}, {"first": torch.zeros_like(first)}]  # a frame of grey is not the same as none
    for given in different:
        assert ((untrained(x, t, **given) - nothing).abs().amax((1, 2, 3, 4)) > 1e-4).all()


def test_parameters_are_as_many_as_are_said():
    assert sum(weights.numel() for weights in VideoUNet().parameters()) == 900_612


def test_wrong_frames(untrained, normal):
    x = normal(2, 3, 1, 12, 12)
    for wrong in (normal(2, 3, 1, 16, 16), normal(2, 1, 12, 12), normal(2, 3, 3, 12, 12)):
        with pytest.raises(ValueError, match=r"takes clips \(B, F, 1, 12, 12\); got"):
            untrained(wrong, 0.0)
    with pytest.raises(ValueError, match=r"first frame of shape \(2, 1, 12, 12\); got \(2, 1, 16, 16\)"):
        untrained(x, 0.0, first=normal(2, 1, 16, 16))
    with pytest.raises(ValueError, match=r"shape \(2, 3\), such as `read_captions` makes; got torch.int64, \(1, 3\)"):
        untrained(x, 0.0, read_captions(["it falls"]))
    with pytest.raises(ValueError, match=r"goes from 0 to \(10, 5, 2\)"):
        untrained(x, 0.0, torch.tensor([[11, 0, 0], [0, 0, 0]]))
    with pytest.raises(ValueError, match=r"whole number of each frame, shape \(2, 3\); got torch.int64, \(3,\)"):
        untrained(x, 0.0, at=torch.arange(3))


# -- sampling and the judge --------------------------------------------------------------------------------------------


def test_guidance_is_affine_in_its_scale(untrained, normal):
    x, told, first = normal(2, 3, 1, 12, 12), torch.tensor([[1, 2, 0], [9, 4, 2]]), normal(2, 1, 12, 12)
    at = {w: video_denoiser(untrained, told, first, w)(x, 0.7) for w in (0.0, 1.0, 3.0)}
    torch.testing.assert_close(at[0.0], video_denoiser(untrained, None, first)(x, 0.7))
    torch.testing.assert_close(at[3.0], at[0.0] + 3 * (at[1.0] - at[0.0]))
    assert (at[1.0] - at[0.0]).abs().max() > 1e-4


def test_clips_of_an_exact_denoiser_have_the_exact_spread():
    """Gaussian clips whose frames are all alike: variance s², correlation 1 between frames, none between pixels."""
    s = 0.5

    def denoiser(x, sigma):
        mean = x.mean(1, keepdim=True)
        return (s**2 / (s**2 + sigma**2 / x.shape[1]) * mean).expand_as(x)

    x = sample_clips(denoiser, (400, 4, 1, 4, 4), seeded(), steps=30)
    torch.testing.assert_close(x, x[:, :1].expand_as(x), atol=0.05, rtol=0)
    assert x.std().item() == pytest.approx(s, rel=0.03)
    with pytest.raises(ValueError, match=r"shape of clips, \(B, F, C, H, W\); got \(2, 1, 24, 24\)"):
        sample_clips(denoiser, (2, 1, 24, 24))


def test_paths_of_rendered_clips_are_exact():
    images = mnist(28)[0][:20].double()
    start, velocity = torch.full((20, 2), 11.0).double(), torch.tensor([[0.8, -0.35]]).double().expand(20, 2)
    clips = render(images, start, velocity)
    found = centre_of_ink(clips)
    torch.testing.assert_close(found[:, 3], start + 3 * velocity)
    found, off = path(clips)
    torch.testing.assert_close(found, velocity, atol=0.02, rtol=0)  # the faintest ink is not counted
    assert off.max() < 0.1


def test_recentring_takes_the_motion_away():
    images, still = mnist(28)[0][:20], torch.zeros(20, 2)
    moved = recentred(render(images, torch.full((20, 2), 8.0), still + 1.0))
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-3, rtol=0)


def test_the_judge_believes_real_clips_and_no_others(real):
    """Frames in another order don't move as told; frames of many digits are not the same digit."""
    clips, told = real
    classifier = pretrained.load("classifier")
    seen = {name: value.mean().item() for name, value in judge(clips, told, classifier).items()}
    assert seen["named"] > 0.96
    assert seen["same"] > 0.96
    assert seen["moves"] == 1
    assert seen["right"] > 0.92
    assert seen["off"] < 0.05
    assert seen["change"] < 0.05
    moving = told[:, 1] != STILL
    shuffled = clips[:, torch.randperm(FRAMES, generator=seeded())]
    assert moves_as_told(shuffled, told)[moving].float().mean() < 0.05
    mixed = torch.stack([clips[:, f].roll(f, 0) for f in range(FRAMES)], 1)
    other = {name: value.mean().item() for name, value in judge(mixed, told, classifier).items()}
    assert other["same"] < 0.05
    assert other["change"] > 5 * seen["change"]
    opposite = told.clone()
    opposite[:, 1] = torch.tensor([1, 0, 3, 2, 4])[told[:, 1]]
    assert not moves_as_told(clips, opposite)[moving].any()
    grains = torch.randn(clips.shape, generator=seeded())
    assert judge(grains, torch.tensor([NOTHING]).expand(100, 3), classifier)["right"].mean() < 0.05
    assert judge(clips, torch.tensor([NOTHING]).expand(100, 3), classifier)["named"].isnan().all()


def test_the_judge_refuses(real):
    clips, told = real
    with pytest.raises(ValueError, match="two frames or more"):
        path(clips[:, :1])
    with pytest.raises(ValueError, match=r"whole numbers of shape \(100, 3\); got torch.int64, \(4, 3\)"):
        moves_as_told(clips, told[:4])


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_has_all_frames_and_their_pixels(tmp_path, kind, real):
    from PIL import Image

    clips = real[0][:3]
    with Image.open(animate(clips, tmp_path / f"clips.{kind}", columns=2, enlarge=4)) as file:
        assert file.n_frames == FRAMES
        assert file.size == (4 * 49, 4 * 49)
        file.seek(5)
        shown = torch.from_numpy(np.array(file.convert("L")))[:96:4, :96:4] / 127.5 - 1
    assert (shown - clips[0, 5, 0]).abs().mean() < 0.02
    with pytest.raises(ValueError, match=r"ends in .gif or .webp; got 'clips.mp4'"):
        animate(clips, tmp_path / "clips.mp4")


def test_a_film_in_a_notebook_is_folded_has_words_and_all_frames(real):
    from base64 import b64decode
    from io import BytesIO

    from PIL import Image

    page = player(real[0][:3], 'digits & "words"', columns=3, enlarge=2).data
    assert page.startswith("<details><summary")  # folded: nothing moves until it is asked to
    assert 'alt="digits &amp; &quot;words&quot;"' in page
    data = b64decode(page.split("data:image/webp;base64,")[1].split('"')[0])
    with Image.open(BytesIO(data)) as film:
        assert film.n_frames == FRAMES
        assert film.size == (2 * 74, 2 * 24)


def test_a_filmstrip_has_a_row_for_each_clip(real):
    fig, ax = plt.subplots()
    filmstrip(ax, real[0][:2], ["a", "b"])
    assert [text.get_text() for text in ax.texts] == ["a", "b"]
    assert ax.images[0].get_array().shape == (2 * (24 + 7 + 1) - 1, 8 * 25 - 1)
    with pytest.raises(ValueError, match="caption for each clip, 2 of them, or none; got 1"):
        filmstrip(ax, real[0][:2], ["a"])
    with pytest.raises(ValueError, match=r"Expected clips \(N, F, 1, H, W\)"):
        filmstrip(ax, real[0][0])
    plt.close(fig)


# -- the recipe and its network ----------------------------------------------------------------------------------------


def test_the_loss_gives_and_withholds_what_it_says():
    """Half of the clips with their first frame, a fifth of the steps frame by frame, each frame with its own number."""
    images, labels = (a[:8] for a in mnist(28))
    calls, generator = [], seeded()

    def network(x, t, told, first, at):
        calls.append((x.shape[1], len(x), first is not None, at))
        assert told.shape == (len(x), 3)
        return torch.zeros_like(x)

    for _ in range(80):
        films.video_loss(network, (images, labels), generator)
    clips = sum(n * frames for frames, n, _, _ in calls)
    assert clips == 80 * 8 * FRAMES
    assert sum(n * frames for frames, n, given, _ in calls if given) / clips == pytest.approx(0.5, abs=0.05)
    assert sum(n for frames, n, _, _ in calls if frames == 1) / clips == pytest.approx(0.2, abs=0.12)
    for frames, n, _, at in calls:
        if frames == FRAMES:
            assert torch.equal(at, torch.arange(FRAMES).expand(n, -1))
    alone = torch.cat([at for frames, _, _, at in calls if frames == 1]).flatten().bincount()
    assert len(alone) == FRAMES
    assert alone.float().std() == 0


def test_what_is_left_unsaid_can_be_said():
    """Everything that training hears is a caption of the grammar, and nothing in one of ten."""
    told = torch.tensor([[3, 0, 1]]).expand(4000, 3)
    heard = films.forget(told, seeded())
    said = (heard != torch.tensor(NOTHING)).float().mean(0)
    torch.testing.assert_close(said, torch.tensor([0.72, 0.81, 0.648]), atol=0.03, rtol=0)
    assert (heard == torch.tensor(NOTHING)).all(1).float().mean().item() == pytest.approx(0.1 + 0.9 * 0.02, abs=0.02)
    assert torch.equal(read_captions([caption(row) for row in heard.tolist()]), heard)


@UNTRAINED
def test_the_shipped_network_moves_as_it_is_told_and_frame_by_frame_it_cannot():
    """Which digit it is told it hardly hears yet, as lecture 13 says."""
    network, classifier = pretrained.load("video"), pretrained.load("classifier")
    told = read_captions(
        ["a zero moves quickly to the right", "a three falls slowly", "a six rises", "it stands still"]
    )
    shape = (4, FRAMES, 1, 24, 24)
    together = sample_clips(video_denoiser(network, told, scale=1.5), shape, seeded(), steps=10)
    apart = sample_clips(video_denoiser(frame_by_frame(network), told, scale=1.5), shape, seeded(), steps=10)
    seen, control = judge(together, told, classifier), judge(apart, told, classifier)
    assert seen["moves"].sum() >= 3
    assert control["moves"].sum() <= 1
    assert control["change"].mean() > 1.7 * seen["change"].mean()


@UNTRAINED
def test_the_shipped_network_goes_on_from_a_first_frame(real):
    clips, told = (a[:12] for a in real)
    said = told.clone()
    said[:, 0] = NOTHING[0]
    network = pretrained.load("video")
    samples = sample_clips(video_denoiser(network, said, clips[:, 0]), tuple(clips.shape), seeded(), steps=10)
    assert moves_as_told(samples, told).sum() >= 9
    difference = lambda a, b: (a - b).square().mean().sqrt()
    assert difference(samples[:, 0], clips[:, 0]) < 0.15
    digits, given = recentred(samples)[:, 1:], recentred(clips)[:, :1]
    assert difference(digits, given) < 0.75 * difference(digits, given.roll(1, 0))
