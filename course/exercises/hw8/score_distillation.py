"""8.5, score distillation: which way a prior of pictures would have a rendered picture changed."""

import torch

from course.applications import distillation
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.mistakes import IN_PLACE


def score_distillation(x, noise_prediction, alpha, sigma, noise, weight):
    alpha, sigma, weight = (a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight))
    with torch.no_grad():
        return weight * alpha * (noise_prediction(alpha * x + sigma * noise) - noise)


def predicts(draw: CaseRng, d: int) -> FunctionSpec:
    """A prediction of noise whose Jacobian is far from the identity."""
    tensors = {"win": draw.normal(d, 6) / d**0.5, "bias": draw.normal(6), "wout": draw.normal(6, d)}
    return FunctionSpec("hw8.NoisePrediction", tensors)


def cases(draw: CaseRng) -> list[Case]:
    def case(b: int, *shape: int, given: FunctionSpec | None = None, **how) -> Case:
        x = 1 + draw.normal(b, *shape)
        arguments = {"x": x, "noise_prediction": given or predicts(draw, x[0].numel())}
        arguments |= {"alpha": draw.uniform(b, low=0.3, high=0.9), "sigma": draw.uniform(b, low=1.2, high=3.0)}
        arguments |= {"noise": draw.normal(b, *shape), "weight": draw.uniform(b, low=0.2, high=4.0)}
        return Case(arguments, magnitude=20, **how)

    return [
        case(5, 3, gradients=("x",)),  # it asks for gradients, as what was rendered does
        case(4, 2, 3, 5, gradients=("x",)),
        case(4, 4, no_grad=True),
        case(1, 1, gradients=("x",)),
        case(3, 2, 2, given=FunctionSpec("hw8.Unchanged", {})),
    ]


def remark(function) -> str:
    exact = lambda z: (z - 3) / 2  # for N(3, 1) at α = σ = 1: σ (z − α·3) / (α² + σ²)
    generator, one = torch.Generator().manual_seed(0), torch.ones(1000)
    x = 4 * torch.randn(1000, 1, generator=generator)
    for k in range(300):
        x = x - 0.5 / (1 + 0.2 * k) * function(x, exact, one, one, torch.randn(1000, 1, generator=generator), one)
    return (
        f"a thousand numbers that follow it, the prior being N(3, 1): mean {x.mean():.2f}, standard deviation "
        f"{x.std():.2f}. They seek the mode; they are no samples."
    )


exercise = Exercise(
    answer=score_distillation, cases=cases, attached=False, counted=("noise_prediction",), remark=remark
)
exercise.right(distillation.score_distillation)
NOISY = "alpha * x + sigma * noise"
PREDICTED = f"noise_prediction({NOISY})"
ERROR = f"({PREDICTED} - noise)"
GRADIENT = f"weight * alpha * {ERROR}"


@exercise.right
def detached(x, noise_prediction, alpha, sigma, noise, weight):
    shape = (len(x),) + (1,) * (x.dim() - 1)
    z = alpha.view(shape) * x.detach() + sigma.view(shape) * noise
    return ((weight * alpha).view(shape) * (noise_prediction(z) - noise)).detach()


@exercise.right
@torch.no_grad()
def one_by_one(x, noise_prediction, alpha, sigma, noise, weight):
    gradients = []
    for i in range(len(x)):
        told = noise_prediction(alpha[i] * x[i : i + 1] + sigma[i] * noise[i : i + 1])
        gradients.append(weight[i] * alpha[i] * (told[0] - noise[i]))
    return torch.stack(gradients)


@exercise.right
def batch_last(x, noise_prediction, alpha, sigma, noise, weight):
    turn = lambda t: t.movedim(0, -1)
    with torch.no_grad():
        noisy = (turn(x) * alpha + turn(noise) * sigma).movedim(-1, 0)
        return (turn(noise_prediction(noisy) - noise) * (weight * alpha)).movedim(-1, 0)


exercise.mistake(
    f"{ERROR} → (noise - {PREDICTED})",
    "the sign is flipped: the gradient is ε̂ − ε, since one descends it.",
)
exercise.mistake(f"{GRADIENT} → alpha * {ERROR}", "the weight is not used: multiply each example's error by its own.")
exercise.mistake(
    f"{GRADIENT} → weight * {ERROR}",
    "the factor α is missing: the noisy picture is αx + σε, so its derivative with respect to x is α.",
)
exercise.mistake(
    f"{GRADIENT} → weight * alpha ** 2 * {ERROR}",
    "α enters squared: the chain rule gives it once.",
)
exercise.mistake(
    f"{GRADIENT} → weight * sigma * {ERROR}",
    "the error is multiplied by σ: the derivative of αx + σε with respect to x is α.",
)
exercise.mistake(
    f"{GRADIENT} → weight * alpha * {ERROR} / sigma",
    f"{GRADIENT} → weight * alpha * {ERROR} / sigma ** 2",
    "you divide by σ, as for a score: the error is that of the noise, as it is.",
)
exercise.mistake(
    f"{ERROR} → {PREDICTED}",
    "the noise that went in is not subtracted: only the error of the prediction says anything about x.",
)
exercise.mistake(
    f"{NOISY} → x",
    f"{NOISY} → alpha * x",
    "the prediction is made from a picture without noise: the prior knows noisy ones, αx + σε.",
)
exercise.mistake(f"{NOISY} → x + sigma * noise", "α is missing in the noisy picture: it is αx + σε.")
exercise.mistake(
    f"{NOISY} → alpha * x + noise",
    f"{NOISY} → alpha * x + (1 - alpha ** 2) ** 0.5 * noise",
    f"{NOISY} → alpha * x + sigma ** 2 * noise",
    f"{NOISY} → alpha * x + sigma ** 0.5 * noise",
    "the noise in the picture has another size: its standard deviation is σ, which is handed in.",
)
exercise.mistake(
    f"{NOISY} → sigma * x + alpha * noise",
    "α and σ are swapped: α multiplies the picture, σ the noise.",
)
exercise.mistake(
    f"{NOISY} → alpha ** 0.5 * x + sigma * noise", "this is for DDPM's ᾱ, which is our α squared: multiply by α itself."
)
exercise.mistake(
    f"{GRADIENT} → weight * alpha * {ERROR} / len(x)",
    "you divide by the batch: every example has its own gradient.",
)
exercise.mistake(
    f"{GRADIENT} → weight * ({PREDICTED} - noise).square()",
    f"{GRADIENT} → weight * alpha * ({PREDICTED} - noise).square()",
    "that is a squared error, a loss: the gradient has the error itself.",
)
exercise.mistake(
    f"{GRADIENT} → x - {GRADIENT}",
    "that is x after a step: return the gradient alone, whoever calls it takes the step.",
)
exercise.mistake(
    "(a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight)) → (alpha, sigma, weight)",
    "(a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight)) → "
    "(a[:, None] for a in (alpha, sigma, weight))",
    "α, σ and the weight have one number for each example, shape (B,): give them the axes of x, (B, 1, …, 1), before "
    "you "
    "multiply.",
)
exercise.mistake(
    "(a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight)) → (a.mean() for a in (alpha, sigma, weight))",
    "(a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight)) → (a[0] for a in (alpha, sigma, weight))",
    "one number is used for the whole batch: every example has its own α, σ and weight.",
)
exercise.mistake(
    f"noise_prediction({NOISY}) - noise → 0.5 * (noise_prediction({NOISY}) + noise_prediction({NOISY})) - noise",
    f"{GRADIENT} → weight * alpha * noise_prediction({NOISY}) - weight * alpha * noise * "
    f"(noise_prediction({NOISY}).isfinite())",
    "you evaluate `noise_prediction` twice, and once is enough: it is a large network.",
    credit=0.5,
)
exercise.mistake(
    f"{ERROR} → {PREDICTED}.sub_(noise)",
    f"{GRADIENT} → {PREDICTED}.sub_(noise).mul_(weight * alpha)",
    IN_PLACE.format("noise_prediction"),
)


@exercise.mistake(
    "a graph is kept behind the gradient, through the whole network: evaluate it inside torch.no_grad(), or detach the "
    "result."
)
def with_its_graph(x, noise_prediction, alpha, sigma, noise, weight):
    alpha, sigma, weight = (a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight))
    return weight * alpha * (noise_prediction(alpha * x + sigma * noise) - noise)


@exercise.mistake(
    "you differentiate through the network: score distillation leaves its Jacobian out, so that the prior is only "
    "asked."
)
def through_the_network(x, noise_prediction, alpha, sigma, noise, weight):
    alpha, sigma, weight = (a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight))
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        loss = 0.5 * (weight * (noise_prediction(alpha * x + sigma * noise) - noise).square()).sum()
        return torch.autograd.grad(loss, x)[0]


@exercise.mistake("you draw noise of your own: use the one that is handed in.")
def with_noise_of_its_own(x, noise_prediction, alpha, sigma, noise, weight):
    alpha, sigma, weight = (a.reshape(-1, *[1] * (x.ndim - 1)) for a in (alpha, sigma, weight))
    with torch.no_grad():
        noise = torch.randn_like(x)
        return weight * alpha * (noise_prediction(alpha * x + sigma * noise) - noise)
