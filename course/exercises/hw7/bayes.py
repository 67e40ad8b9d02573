"""hw7: Bayes' rule for scores, with a classifier of noisy data."""

import torch
from torch import Tensor

from course import guidance
from course.exercises.case import Case, Draw, Given
from course.exercises.exercise import Exercise
from course.exercises.mistakes import IN_PLACE, OTHER_TIME, as_tensor

Shape = tuple[int, ...]


def classifier(draw: Draw, d: int, k: int, favour: float = 0.0, offset: float = 0.0, steep: float = 1.0) -> Given:
    """A small network with k logits, all raised by an offset and the last one by a further amount.

    Where it is steep, logits of thousands differ from example to example.
    """
    tensors = {"win": draw.normal(d, 6) / d**0.5, "bias": draw.normal(6), "time": draw.normal(6)}
    raised = offset + draw.normal(k) / 2
    raised[-1] += favour
    return Given("hw7.Classifier", {**tensors, "wout": steep * draw.normal(6, k), "offset": raised})


def field(draw: Draw, d: int) -> Given:
    """A score that depends on time and is not the gradient of anything, as a learned one."""
    tensors = {"win": draw.normal(d, 5) / d**0.5, "bias": draw.normal(5), "time": draw.normal(5)}
    return Given("hw7.Field", {**tensors, "wout": draw.normal(5, d) / 2})


def _time(draw: Draw, b: int | None = None) -> float | Tensor:
    return draw.number(0.3, 0.9) if b is None else draw.uniform(b, low=0.2, high=1.8)


# -- classifier_score --------------------------------------------------------------------------------------------------


def _classifier_cases(draw: Draw) -> list[Case]:
    def case(given: Given, t: float | Tensor, b: int, *shape: int, no_grad: bool = False) -> Case:
        k = len(given.tensors["offset"])
        labels = torch.cat([draw.permutation(k), draw.permutation(k)])[:b]
        arguments = {"classifier": given, "x": draw.normal(b, *shape), "t": t, "labels": labels}
        logits = 5 + given.tensors["offset"].min().abs().item() + 10 * given.tensors["wout"].abs().max().item()
        return Case(arguments, no_grad=no_grad, magnitude=logits)

    return [
        case(classifier(draw, 3, 4), _time(draw), 5, 3),
        case(classifier(draw, 6, 7), _time(draw, 4), 4, 2, 3, no_grad=True),
        case(classifier(draw, 4, 3, favour=1000.0), _time(draw, 6), 6, 4),
        case(classifier(draw, 5, 6, offset=1000.0), _time(draw), 7, 5),
        case(classifier(draw, 3, 5, steep=3000.0), _time(draw), 9, 3),
    ]


def _two_classes(x: Tensor, t: float | Tensor) -> Tensor:
    """Exact logits of the classes N(−2, 1) and N(2, 1), equally frequent."""
    return torch.cat([-0.5 * (x + 2) ** 2, -0.5 * (x - 2) ** 2], 1)


def _classifier_remark(function) -> str:
    found = function(_two_classes, torch.zeros(1, 1), 0.5, torch.ones(1, dtype=torch.int64)).item()
    return (
        f"half-way between the classes N(−2, 1) and N(2, 1), the pull towards the second is {found:.3f}; "
        "exactly 2, half their distance over the variance."
    )


def _classifier_score(classifier, x, t, labels):  # without the library's own option
    return guidance.classifier_score(classifier, x, t, labels)


classifier_score = Exercise(
    "classifier_score",
    14,
    _classifier_score,
    _classifier_cases,
    attached=False,
    counted=("classifier",),
    remark=_classifier_remark,
)


def _gradient(x, values):
    """∇ₓ of a function of x that gives a number, for the misconceptions below."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(values(x).sum(), x)[0]


@classifier_score.misconception("that is the gradient of p(y | x); the score is the gradient of its logarithm.")
def gradient_of_probability(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        p = torch.softmax(classifier(x, t), dim=1).gather(1, labels[:, None])
        return torch.autograd.grad(p.sum(), x)[0]


@classifier_score.misconception(
    "that is the gradient of the logit of y: log p(y | x) is the log-softmax, which subtracts what all logits share."
)
def gradient_of_logit(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).gather(1, labels[:, None]))


@classifier_score.misconception("the sign is flipped: cross-entropy is −log p(y | x), and you need the gradient of +.")
def gradient_of_loss(classifier, x, t, labels):
    return -guidance.classifier_score(classifier, x, t, labels)


@classifier_score.misconception("averaging over the batch divides every gradient by B: differentiate the sum.")
def mean_over_batch(classifier, x, t, labels):
    return guidance.classifier_score(classifier, x, t, labels) / len(x)


@classifier_score.misconception(
    "the loss's gradient is a mean over the batch with a minus sign: take the gradient of the sum of +log p(y | x)."
)
def mean_cross_entropy(classifier, x, t, labels):
    return _gradient(x, lambda x: torch.nn.functional.cross_entropy(classifier(x, t), labels))


@classifier_score.misconception("that guides towards the class the classifier likes best: use the one in `labels`.")
def towards_the_favourite(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).log_softmax(1).amax(1))


@classifier_score.misconception("you sum over all classes: pick each example's own with `gather` or two index tensors.")
def all_classes(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).log_softmax(1))


@classifier_score.misconception(
    "`[:, labels]` gives every example the labels of the whole batch: pair them, `[torch.arange(B), labels]` or gather."
)
def labels_of_the_whole_batch(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).log_softmax(1)[:, labels])


@classifier_score.misconception("the softmax runs over the batch: classes are along dim 1.")
def softmax_over_batch(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).log_softmax(0).gather(1, labels[:, None]))


@classifier_score.misconception("the classifier must be told how noisy x is: hand t on, not 0.")
def told_that_x_is_clean(classifier, x, t, labels):
    return guidance.classifier_score(lambda x, t: classifier(x, 0 * t), x, t, labels)


@classifier_score.misconception(OTHER_TIME.format("classifier"), credit=0.5)
def time_as_a_tensor(classifier, x, t, labels):
    return guidance.classifier_score(classifier, x, as_tensor(t, x), labels)


_LOG_ZERO = (
    "log or exp leaves the range of numbers where the classifier is very sure of a class: use log_softmax, which takes "
    "each example's largest logit out first."
)


@classifier_score.misconception(_LOG_ZERO, credit=0.5)
def log_of_softmax(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).softmax(1).log().gather(1, labels[:, None]))


@classifier_score.misconception(_LOG_ZERO, credit=0.5)
def log_of_gathered_softmax(classifier, x, t, labels):
    return _gradient(x, lambda x: classifier(x, t).softmax(1).gather(1, labels[:, None]).log())


@classifier_score.misconception(
    "exp has become 0, since one logit is taken out for all examples: take out each example's largest, or use "
    "log_softmax.",
    credit=0.5,
)
def one_logit_for_all_examples(classifier, x, t, labels):
    def log_prob(x):
        logits = classifier(x, t)
        top = logits.detach().max()
        return logits.gather(1, labels[:, None]) - top - (logits - top).exp().sum(1, keepdim=True).log()

    return _gradient(x, log_prob)


@classifier_score.misconception(
    "with something added to p(y | x) before its logarithm, the gradient vanishes where p is small: use log_softmax.",
    credit=0.5,
)
def logarithm_guarded(classifier, x, t, labels):
    return _gradient(x, lambda x: (classifier(x, t).softmax(1).gather(1, labels[:, None]) + 1e-8).log())


@classifier_score.misconception(
    "exp(logits) overflows where logits are large: use log_softmax, which takes the largest out first.", credit=0.5
)
def exponential_overflows(classifier, x, t, labels):
    def log_prob(x):
        e = classifier(x, t).exp()
        return (e.gather(1, labels[:, None]) / e.sum(1, keepdim=True)).log()

    return _gradient(x, log_prob)


@classifier_score.misconception(
    "under torch.no_grad() no graph is built, and samplers run under no_grad: wrap the gradient in torch.enable_grad()."
)
def not_under_no_grad(classifier, x, t, labels):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum(), x)[0]


@classifier_score.misconception(
    "create_graph keeps a graph behind the score, and a thousand steps would keep a thousand: leave it out."
)
def graph_kept(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        log_prob = classifier(x, t).log_softmax(1).gather(1, labels[:, None])
        return torch.autograd.grad(log_prob.sum(), x, create_graph=True)[0]


@classifier_score.misconception(
    "`.backward()` adds to the gradients of the classifier's parameters, in the middle of somebody's training: use "
    "torch.autograd.grad with respect to x alone."
)
def backward_into_parameters(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum().backward()
    return x.grad


@classifier_score.misconception("x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().")
def switches_on_callers_x(classifier, x, t, labels):
    with torch.enable_grad():
        log_prob = classifier(x.requires_grad_(), t).log_softmax(1).gather(1, labels[:, None])
        return torch.autograd.grad(log_prob.sum(), x)[0]


# -- posterior_score ---------------------------------------------------------------------------------------------------


def _posterior_cases(draw: Draw) -> list[Case]:
    def case(t: float | Tensor, scale: float, b: int, *shape: int, no_grad: bool = False) -> Case:
        d = torch.Size(shape).numel()
        arguments = {"score": field(draw, d), "x": 2 * draw.normal(b, *shape), "t": t}
        arguments |= {"likelihood_grad": field(draw, d), "scale": scale}
        return Case(arguments, no_grad=no_grad, magnitude=10)

    return [
        case(_time(draw), draw.number(2.2, 4.0), 5, 3),
        case(_time(draw, 4), draw.number(0.3, 0.7), 4, 2, 3, no_grad=True),
        case(_time(draw), 0.0, 3, 4),
    ]


def _posterior_remark(function) -> str:
    at = [function(lambda x, t: -x, torch.full((1, 1), v), 0.0, lambda x, t: 2 - x, 3.0).item() for v in (0.0, 1.0)]
    slope = at[0] - at[1]
    return (
        f"prior N(0, 1), y = 2 measured with unit noise, w = 3: a Gaussian of mean {at[0] / slope:.2f} and variance "
        f"{1 / slope:.2f}; Bayes' own, at w = 1, has 1 and 0.50."
    )


posterior_score = Exercise(
    "posterior_score",
    10,
    guidance.posterior_score,
    _posterior_cases,
    counted=("score", "likelihood_grad"),
    remark=_posterior_remark,
)


@posterior_score.misconception(IN_PLACE.format("score"))
def likelihood_added_in_place(score, x, t, likelihood_grad, scale):
    s = score(x, t)
    s += scale * likelihood_grad(x, t)
    return s


@posterior_score.misconception(IN_PLACE.format("likelihood_grad"))
def likelihood_scaled_in_place(score, x, t, likelihood_grad, scale):
    g = likelihood_grad(x, t)
    g *= scale
    return score(x, t) + g


@posterior_score.misconception(OTHER_TIME.format("score"), credit=0.5)
def posterior_with_time_as_a_tensor(score, x, t, likelihood_grad, scale):
    return guidance.posterior_score(score, x, as_tensor(t, x), likelihood_grad, scale)


@posterior_score.misconception(
    "the scale is on the wrong term: it multiplies the likelihood's gradient, not the score."
)
def scale_on_prior(score, x, t, likelihood_grad, scale):
    return scale * score(x, t) + likelihood_grad(x, t)


@posterior_score.misconception("the scale multiplies both terms: leave the score of p(x) as it is.")
def scale_on_both(score, x, t, likelihood_grad, scale):
    return scale * (score(x, t) + likelihood_grad(x, t))


@posterior_score.misconception("the scale is not used: multiply the likelihood's gradient by it.")
def scale_ignored(score, x, t, likelihood_grad, scale):
    return score(x, t) + likelihood_grad(x, t)


@posterior_score.misconception("you walk away from y: Bayes' rule adds the likelihood's gradient to the score.")
def likelihood_subtracted(score, x, t, likelihood_grad, scale):
    return score(x, t) - scale * likelihood_grad(x, t)


@posterior_score.misconception("the scale is off by one: at scale 1 this is Bayes' rule, at 0 the score alone.")
def off_by_one(score, x, t, likelihood_grad, scale):
    return score(x, t) + (1 + scale) * likelihood_grad(x, t)


@posterior_score.misconception("that is an average of two scores: Bayes' rule adds them, and the prior keeps weight 1.")
def averaged(score, x, t, likelihood_grad, scale):
    return (1 - scale) * score(x, t) + scale * likelihood_grad(x, t)


@posterior_score.misconception("the score of p(x) is missing: without it, x satisfies y but is no sample of the data.")
def prior_missing(score, x, t, likelihood_grad, scale):
    return scale * likelihood_grad(x, t)


@posterior_score.misconception("densities multiply, so their logarithms and gradients add: do not multiply the scores.")
def multiplied(score, x, t, likelihood_grad, scale):
    return score(x, t) * scale * likelihood_grad(x, t)


@posterior_score.misconception("both terms belong to the same noisy x at the same time: hand t to the likelihood too.")
def likelihood_at_time_zero(score, x, t, likelihood_grad, scale):
    return score(x, t) + scale * likelihood_grad(x, 0 * t)
