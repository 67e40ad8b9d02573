"""7.1, the gradient of a classifier's log-probability of the given classes with respect to noisy data."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course import guidance
from course.exercises.case import Case, CaseRng, FunctionSpec
from course.exercises.exercise import Exercise
from course.exercises.hw7.shared import a_time
from course.exercises.mistakes import OTHER_TIME, as_tensor  # noqa: F401 (in patches)


def classifier_score(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        log_prob = classifier(x, t).log_softmax(1).gather(1, labels[:, None])
        return torch.autograd.grad(log_prob.sum(), x)[0]


def network(
    draw: CaseRng, d: int, k: int, favour: float = 0.0, offset: float = 0.0, steep: float = 1.0
) -> FunctionSpec:
    """A small network with k logits, all raised by an offset and the last one by a further amount.

    Where it is steep, logits of thousands differ from example to example.
    """
    tensors = {"win": draw.normal(d, 6) / d**0.5, "bias": draw.normal(6), "time": draw.normal(6)}
    raised = offset + draw.normal(k) / 2
    raised[-1] += favour
    return FunctionSpec("hw7.Classifier", {**tensors, "wout": steep * draw.normal(6, k), "offset": raised})


def cases(draw: CaseRng) -> list[Case]:
    def case(given: FunctionSpec, t: float | Tensor, b: int, *shape: int, no_grad: bool = False) -> Case:
        k = len(given.tensors["offset"])
        labels = torch.cat([draw.permutation(k), draw.permutation(k)])[:b]
        arguments = {"classifier": given, "x": draw.normal(b, *shape), "t": t, "labels": labels}
        logits = 5 + given.tensors["offset"].min().abs().item() + 10 * given.tensors["wout"].abs().max().item()
        return Case(arguments, no_grad=no_grad, magnitude=logits)

    return [
        case(network(draw, 3, 4), a_time(draw), 5, 3),
        case(network(draw, 6, 7), a_time(draw, 4), 4, 2, 3, no_grad=True),
        case(network(draw, 4, 3, favour=1000.0), a_time(draw, 6), 6, 4),
        case(network(draw, 5, 6, offset=1000.0), a_time(draw), 7, 5),
        case(network(draw, 3, 5, steep=3000.0), a_time(draw), 9, 3),
    ]


def remark(function) -> str:
    def two_classes(x: Tensor, t: float | Tensor) -> Tensor:
        """Exact logits of the classes N(−2, 1) and N(2, 1), equally frequent."""
        return torch.cat([-0.5 * (x + 2) ** 2, -0.5 * (x - 2) ** 2], 1)

    found = function(two_classes, torch.zeros(1, 1), 0.5, torch.ones(1, dtype=torch.int64)).item()
    return (
        f"half-way between the classes N(−2, 1) and N(2, 1), the pull towards the second is {found:.3f}; "
        "exactly 2, half their distance over the variance."
    )


exercise = Exercise(answer=classifier_score, cases=cases, attached=False, counted=("classifier",), remark=remark)
CHOSEN = "classifier(x, t).log_softmax(1).gather(1, labels[:, None])"


@exercise.right
def of_the_library(classifier, x, t, labels):  # without its own option
    return guidance.classifier_score(classifier, x, t, labels)


@exercise.right
@torch.enable_grad()
def with_logsumexp(classifier, x, t, labels):
    x = torch.clone(x.detach()).requires_grad_()
    logits = classifier(x, t)
    log_prob = logits.gather(1, labels.unsqueeze(1)).squeeze(1) - logits.logsumexp(dim=1)
    return torch.autograd.grad(log_prob.unbind(), x)[0]


@exercise.right
def one_hot(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        log_prob = classifier(x, t).log_softmax(1)
        chosen = (log_prob * F.one_hot(labels, log_prob.shape[1])).sum()
        return torch.autograd.grad(chosen, x)[0]


exercise.right(f"{CHOSEN} → -F.cross_entropy(classifier(x, t), labels, reduction='sum')")
exercise.right(
    f"""{CHOSEN} → torch.log_softmax(classifier(x, t), dim=-1)[torch.arange(len(x), device=x.device), labels]
        torch.autograd.grad(log_prob.sum(), x) → torch.autograd.grad(log_prob, x, torch.ones_like(log_prob))"""
)
exercise.right(
    "torch.autograd.grad(log_prob.sum(), x)[0] → torch.autograd.grad(log_prob.sum(), x)[-1]",
    "the tuple has one entry",
)
exercise.mistake(
    "classifier(x, t).log_softmax(1) → classifier(x, t).softmax(1)",
    "that is the gradient of p(y | x); the score is the gradient of its logarithm.",
)
exercise.mistake(
    "classifier(x, t).log_softmax(1) → classifier(x, t)",
    "that is the gradient of the logit of y: log p(y | x) is the log-softmax, which subtracts what all logits share.",
)
exercise.mistake(
    "log_prob.sum() → -log_prob.sum()",
    "the sign is flipped: cross-entropy is −log p(y | x), and you need the gradient of +.",
)
exercise.mistake(
    "log_prob.sum() → log_prob.mean()",
    "averaging over the batch divides every gradient by B: differentiate the sum.",
)
exercise.mistake(
    "log_prob.sum() → -log_prob.mean()",
    "the loss's gradient is a mean over the batch with a minus sign: take the gradient of the sum of +log p(y | x).",
)
exercise.mistake(
    f"{CHOSEN} → classifier(x, t).log_softmax(1).amax(1)",
    "that guides towards the class the classifier likes best: use the one in `labels`.",
)
exercise.mistake(
    f"{CHOSEN} → classifier(x, t).log_softmax(1)",
    "you sum over all classes: pick each example's own with `gather` or two index tensors.",
)
exercise.mistake(
    f"{CHOSEN} → classifier(x, t).log_softmax(1)[:, labels]",
    "`[:, labels]` gives every example the labels of the whole batch: pair them, `[torch.arange(B), labels]` or "
    "gather.",
)
exercise.mistake(
    "classifier(x, t).log_softmax(1) → classifier(x, t).log_softmax(0)",
    "the softmax runs over the batch: classes are along dim 1.",
)
exercise.mistake(
    "classifier(x, t) → classifier(x, 0 * t)",
    "the classifier must be told how noisy x is: hand t on, not 0.",
)
exercise.mistake("classifier(x, t) → classifier(x, as_tensor(t, x))", OTHER_TIME.format("classifier"), credit=0.5)
exercise.mistake(
    "classifier(x, t).log_softmax(1) → classifier(x, t).softmax(1).log()",
    f"{CHOSEN} → classifier(x, t).softmax(1).gather(1, labels[:, None]).log()",
    "log or exp leaves the range of numbers where the classifier is very sure of a class: use log_softmax, which takes "
    "each example's largest logit out first.",
    credit=0.5,
)
exercise.mistake(
    f"""log_prob = {CHOSEN} → logits = classifier(x, t)
        log_prob.sum() → (logits.gather(1, labels[:, None]) - log_sum.log()).sum()
        log_sum → (logits - logits.detach().max()).exp().sum(1, keepdim=True)""",
    "exp has become 0, since one logit is taken out for all examples: take out each example's largest, or use "
    "log_softmax.",
    credit=0.5,
)
exercise.mistake(
    f"{CHOSEN} → (classifier(x, t).softmax(1).gather(1, labels[:, None]) + 1e-8).log()",
    "with something added to p(y | x) before its logarithm, the gradient vanishes where p is small: use log_softmax.",
    credit=0.5,
)
exercise.mistake(
    f"""log_prob = {CHOSEN} → e = classifier(x, t).exp()
        log_prob.sum() → (e.gather(1, labels[:, None]) / e.sum(1, keepdim=True)).log().sum()""",
    "exp(logits) overflows where logits are large: use log_softmax, which takes the largest out first.",
    credit=0.5,
)


@exercise.mistake(
    "under torch.no_grad() no graph is built, and samplers run under no_grad: wrap the gradient in torch.enable_grad()."
)
def not_under_no_grad(classifier, x, t, labels):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum(), x)[0]


exercise.mistake(
    "torch.autograd.grad(log_prob.sum(), x) → torch.autograd.grad(log_prob.sum(), x, create_graph=True)",
    "create_graph keeps a graph behind the score, and a thousand steps would keep a thousand: leave it out.",
)


@exercise.mistake(
    "`.backward()` adds to the gradients of the classifier's parameters, in the middle of somebody's training: use "
    "torch.autograd.grad with respect to x alone."
)
def backward_into_parameters(classifier, x, t, labels):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        classifier(x, t).log_softmax(1).gather(1, labels[:, None]).sum().backward()
    return x.grad


exercise.mistake(
    "x.detach().requires_grad_() → x.requires_grad_()",
    "x.requires_grad_() changes the caller's x: differentiate with respect to x.detach().",
)
