"""Two cameras, one of voxels and one of ellipsoids, against closed forms and against each other."""

import math

import pytest
import torch

from course.applications.volumes import Volume, around, render, turntable
from course.data.solids import Ellipsoids, head_views, heads, over, photograph

LINE = lambda n: (torch.arange(n).double() + 0.5) * 2 / n - 1
ANY = torch.tensor([0.0, 0.3, -1.2, 2.5]).double()


def space(n):
    """z, y and x of every voxel's centre, each (n, n, n), y falling as rows do."""
    z, y, x = torch.meshgrid(LINE(n), -LINE(n), LINE(n), indexing="ij")
    return z, y, x


def seen_through(density, azimuth, samples=None):
    """Coverage alone."""
    return render(density, torch.zeros(1, *density.shape).double(), azimuth, samples)[:, 1]


@pytest.mark.parametrize("angle", [0.0, 0.4, -0.9, 1.1])
def test_slab_at_any_angle(angle):
    """Where all of a ray's way through a slab is inside of the cube, it is thickness / cos a long."""
    n, density, thick = 40, 1.5, 8 * 2 / 40
    slab = torch.zeros(n, 1, n).double()
    slab[16:24] = density
    found = seen_through(slab, torch.tensor([angle]).double(), samples=2000)[0, 0, n // 2]
    expected = 1 - math.exp(-density * thick / math.cos(angle))
    torch.testing.assert_close(found.item(), expected, rtol=2e-3, atol=0)


def test_slab_seen_straight_is_exact():
    slab = torch.zeros(10, 3, 10).double()
    slab[2:5] = 0.7
    expected = torch.full((1, 3, 10), 1 - math.exp(-0.7 * 3 * 0.2)).double()
    torch.testing.assert_close(seen_through(slab, torch.zeros(1).double()), expected)


def test_ball_by_its_chords():
    """1 − exp(−σ · 2√(r² − u²)) at distance u from the middle, from everywhere; finer voxels come closer."""
    radius, density, errors = 0.7, 3.0, []
    for n in (16, 32, 64):
        z, y, x = space(n)
        ball = density * (x**2 + y**2 + z**2 < radius**2).double()
        u2 = LINE(n) ** 2 + LINE(n)[:, None] ** 2
        expected = 1 - torch.exp(-2 * density * (radius**2 - u2).clamp(min=0).sqrt())
        errors.append((seen_through(ball, ANY, 4 * n) - expected).abs().mean().item())
    assert errors[2] < 0.012
    assert errors[2] < 0.5 * errors[0]


def test_what_is_in_front_hides_what_is_behind():
    """Two layers: the nearer by 1 − e^(−a), the farther by e^(−a) (1 − e^(−b)); from behind it is the other way."""
    n, a, b = 8, 1.3, 0.4
    density = torch.zeros(n, 1, n).double()
    density[6], density[1] = a / 0.25, b / 0.25
    colour = torch.zeros(2, n, 1, n).double()
    colour[0, 5:], colour[1, :3] = 1, 1
    front, behind = render(density, colour, torch.tensor([0, math.pi]).double())[..., 0, n // 2]
    near, far = 1 - math.exp(-a), 1 - math.exp(-b)
    torch.testing.assert_close(front, torch.tensor([near, (1 - near) * far, 1 - (1 - near) * (1 - far)]).double())
    torch.testing.assert_close(behind, torch.tensor([(1 - far) * near, far, 1 - (1 - near) * (1 - far)]).double())


def test_one_colour_is_its_coverage(normal):
    density, colour = torch.zeros(8, 4, 8).double(), torch.full((3, 8, 4, 8), -0.3).double()
    density[1:7, :, 1:7] = normal(6, 4, 6).abs()  # not at the border, where colours fade too
    picture = render(density, colour, ANY, 50)
    torch.testing.assert_close(picture[:, :3], -0.3 * picture[:, 3:].expand(-1, 3, -1, -1))
    torch.testing.assert_close(over(picture, -0.3), torch.full((4, 3, 4, 8), -0.3).double())


def test_a_quarter_turn_of_the_camera_is_one_of_the_volume(normal):
    density, colour = normal(6, 5, 6).abs(), normal(3, 6, 5, 6)
    turned = render(density.rot90(-1, (0, 2)), colour.rot90(-1, (1, 3)), ANY, 11)
    torch.testing.assert_close(render(density, colour, ANY + math.pi / 2, 11), turned)
    assert (render(density, colour, ANY, 11) - turned).abs().max() > 0.1


def test_agrees_with_a_loop_over_rays(normal):
    n, height, samples = 5, 2, 7
    density, colour = normal(n, height, n).abs(), normal(3, n, height, n)
    found = render(density, colour, ANY, samples)

    def at(volume, z, y, x):
        i, j = (z + 1) * n / 2 - 0.5, (x + 1) * n / 2 - 0.5
        total = 0.0
        for k in (math.floor(i), math.floor(i) + 1):
            for m in (math.floor(j), math.floor(j) + 1):
                if 0 <= k < n and 0 <= m < n:
                    total += (1 - abs(i - k)) * (1 - abs(j - m)) * volume[..., k, y, m]
        return total

    for picture, a in zip(found, ANY.tolist(), strict=True):
        for y in range(height):
            for column, u in enumerate(LINE(n).tolist()):
                through, light = 1.0, torch.zeros(3).double()
                for s in (-LINE(samples)).tolist():
                    x, z = u * math.cos(a) + s * math.sin(a), -u * math.sin(a) + s * math.cos(a)
                    stops = 1 - math.exp(-2 / samples * at(density, z, y, x))
                    light += through * stops * at(colour, z, y, x)
                    through *= 1 - stops
                torch.testing.assert_close(picture[:3, y, column], light)
                torch.testing.assert_close(picture[3, y, column].item(), 1 - through)


def test_gradient_against_finite_differences(normal):
    density, colour = normal(3, 2, 3).abs().add(0.1).requires_grad_(), normal(2, 3, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda d, c: render(d, c, ANY[:2], 4), (density, colour))


@pytest.mark.parametrize(
    ("density", "colour", "azimuth", "words"),
    [
        ((4, 4, 5), (3, 4, 4, 5), (1,), "as deep as it is wide"),
        ((4, 4, 4), (3, 4, 4, 5), (1,), "Expected a colour"),
        ((4, 4, 4), (3, 4, 4, 4), (), "azimuths of shape"),
    ],
)
def test_wrong_shapes_are_named(density, colour, azimuth, words):
    with pytest.raises(ValueError, match=words):
        render(torch.ones(density), torch.ones(colour), torch.ones(azimuth))


def test_negative_density_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        render(-torch.ones(2, 2, 2), torch.ones(3, 2, 2, 2), torch.zeros(1))


# -- the camera of ellipsoids ------------------------------------------------------------------------------------------


def test_a_ball_covers_a_disc():
    """π r² of the picture's 4; light is ¾ + ¼ n_y, at the middle of a white ball ½ on the scale from −1 to 1."""
    ball = Ellipsoids(*(torch.tensor(part).expand(3, 1, 3) for part in ([0.0, 0, 0], [0.6, 0.6, 0.6], [1.0, 1, 1])))
    picture = photograph(ball, torch.tensor([0.0, 1.0, 2.0]), 65, 4)
    assert (picture[:, 3].mean((1, 2)) * 4 - math.pi * 0.36).abs().max() < 0.005
    torch.testing.assert_close(picture[:, :3, 32, 32], torch.full((3, 3), 0.5), atol=0.01, rtol=0)


def test_heads_are_their_own_mirror_images():
    one, azimuth = heads(5, torch.Generator().manual_seed(0)), torch.tensor([0.2, 1.0, 1.6, 2.4, 3.0])
    mirrored = photograph(one, -azimuth).flip(3)
    assert ((photograph(one, azimuth) - mirrored).abs() > 1e-3).float().mean() < 1e-3  # where two parts meet
    assert (photograph(one, azimuth) - photograph(one, -azimuth)).abs().mean() > 0.02


def test_voxels_and_ellipsoids_look_alike():
    """A head filled with dense voxels looks as its photograph does; from the wrong side it doesn't."""
    one, azimuth, n = heads(1, torch.Generator().manual_seed(1)), torch.tensor([0.0, 0.7, 1.9, -2.5]), 32
    places = torch.stack(space(n)[::-1], -1).float()
    apart = ((places[..., None, :] - one.centres[0]) / one.radii[0]).square().sum(-1)
    inside, which = apart.min(-1)
    colour = one.colours[0][which].permute(3, 0, 1, 2)
    rendered = over(render(60.0 * (inside < 1), colour, azimuth))
    solids = Ellipsoids(*(part.expand(4, -1, -1) for part in one))
    right, wrong = (over(photograph(solids, a)) for a in (azimuth, azimuth + math.pi))
    error = lambda x: (rendered - x).square().mean((1, 2, 3))
    assert (error(right) < 0.5 * error(wrong)).all()
    assert ((rendered - right)[:, :, :, :].abs().mean((1, 2, 3)) < 0.15).all()


def test_heads_by_seed_fit_into_the_picture():
    draw = lambda seed: head_views(20, torch.Generator().manual_seed(seed), 16)
    (x, a), (again, _), (other, _) = draw(0), draw(0), draw(1)
    assert x.shape == (20, 4, 16, 16)
    assert a.abs().max() <= math.pi
    torch.testing.assert_close(x, again, rtol=0, atol=0)
    assert (x - other).abs().mean() > 0.01
    solids = heads(200, torch.Generator().manual_seed(2))
    assert (solids.centres[..., 0].hypot(solids.centres[..., 2]) + solids.radii[..., ::2].amin(-1)).max() < 1


def test_pictures_need_an_azimuth_each():
    with pytest.raises(ValueError, match="one per example"):
        photograph(heads(2), torch.zeros(3))
    with pytest.raises(ValueError, match="4 channels"):
        over(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="background to be finite; got nan"):
        over(torch.zeros(1, 4, 8, 8), math.nan)
    with pytest.raises(ValueError, match=r"pictures with coverage, \(3, 4, H, W\); got \(2, 4, 8, 8\)"):
        turntable(lambda azimuth: Volume(8)(azimuth[1:]), 3)


def test_a_volume_starts_as_a_cloud_that_looks_the_same_from_everywhere():
    pictures = turntable(Volume(16), 4)
    assert pictures.shape == (4, 3, 16, 16)
    torch.testing.assert_close(pictures, pictures[:1].expand_as(pictures), atol=1e-4, rtol=0)
    assert pictures[0, :, 8, 8].max() < 0.1 < 0.9 < pictures[0, :, 0, 0].min()
    torch.testing.assert_close(around(4), torch.tensor([0.0, 0.5, 1.0, 1.5]) * math.pi)
