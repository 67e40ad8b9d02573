"""What an attack is, and the notebooks that attacks are made from."""

import copy
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.grading.course_folder import CourseFolder
from course.grading.sample_class import fill_in

POINTS = {
    "log_partition": 8,
    "energy_score": 10,
    "langevin_step": 12,
    "langevin_chain": 12,
    "mala_log_accept": 12,
    "mala_step": 12,
    "contrastive_divergence": 14,
    "start_negatives": 8,
}
ALL = sum(POINTS.values())
RAN = "the payload came to its end"
MARK = "score-course-attack-process"
"""In the command line of every process that an attack leaves behind."""


@dataclass
class World:
    """What surrounds the attacks: a class, secrets that must stay secret, and a socket that nobody must call.

    Attributes:
        base: the class.
        released: the notebook as students get it.
        right: the instructor's answers by grade id.
        secrets: the path of each canary file, with the word in it.
        socket: the path of a socket of this machine.
        abstract: the name of an abstract socket of this machine.
    """

    base: CourseFolder
    released: NotebookNode
    right: dict[str, str]
    secrets: dict[Path, str]
    socket: str
    abstract: str


Make = Callable[[World], NotebookNode | bytes]


@dataclass(frozen=True)
class Attack:
    """A submission.

    Attributes:
        name: the student's.
        kind: the class of attacks that it belongs to.
        tries: what it is after.
        make: the notebook, or the bytes of the file.
        deserves: the points of what is really solved in it.
        told: what the instructor's notes or the student's sentences must say, a regular expression.
        ran: what the outputs must say, so that an attack that never ran is not counted as repelled.
        place: puts more, or something else, into the submission's folder.
        first: the student hands in a right notebook first, which is graded.
        control_groups: needs limits on groups of processes to be repelled.
        pages: look at the feedback page and at formgrader's.
    """

    name: str
    kind: str
    tries: str
    make: Make
    deserves: float = 0
    told: str = ""
    ran: str = ""
    place: Callable[[World, Path], None] | None = None
    first: bool = False
    control_groups: bool = False
    pages: bool = False


def wrong(name: str) -> str:
    """An answer that is worth nothing."""
    return f"def {name}(*arguments, **named):\n    return arguments[0]"


WRONG = {name: wrong(name) for name in POINTS}


def right(world: World, **answers: str) -> NotebookNode:
    """Everything right but the answers named."""
    return fill_in(world.released, {**world.right, **_dedented(answers)})


def hostile(world: World, **answers: str) -> NotebookNode:
    """Everything worthless but the answers named."""
    return fill_in(world.released, {**WRONG, **_dedented(answers)})


def payload(name: str, kind: str, tries: str, code: str, ends: bool = True, call: str = "", **options) -> Attack:
    """Code in the first answer's cell, with worthless functions everywhere; it reports what it broke by ``breach``.

    Args:
        ends: whether the cell comes to its end.
        call: a function of the code's that answers for every exercise.
    """
    ran = RAN if ends else ""
    answers = {one: f"def {one}(*arguments):\n    return {call}(*arguments)" for one in POINTS} if call else WRONG

    def make(world: World) -> NotebookNode:
        first = "\n".join([BREACH, textwrap.dedent(fill(code, world)), f"print({RAN!r})", answers["log_partition"]])
        return hostile(world, **{**answers, "log_partition": first})

    return Attack(name, kind, tries, make, ran=ran, **options)


BREACH = "def breach(what): print('BREACH', what)"


def fill(code: str, world: World) -> str:
    """``@SECRETS@`` and the like, replaced by what they are in this world."""
    known = {
        "SECRETS": [str(path) for path in world.secrets],
        "ROOT": str(world.base.root),
        "SOCKET": world.socket,
        "ABSTRACT": world.abstract,
        "POINTS": POINTS,
        "MARK": MARK,
    }
    for name, value in known.items():
        code = code.replace(f"@{name}@", repr(value))
    return code


def nearly_right(name: str, kind: str, tries: str, deserves: float, told: str = "", **answers: str) -> Attack:
    """A right notebook with a few answers replaced."""
    return Attack(name, kind, tries, lambda world: right(world, **answers), deserves, told)


def edited(name: str, kind: str, tries: str, edit: Callable[[NotebookNode], None], base=right, **options) -> Attack:
    """A notebook whose cells and metadata are edited."""

    def make(world: World) -> NotebookNode:
        notebook = copy.deepcopy(base(world))
        edit(notebook)
        return notebook

    return Attack(name, kind, tries, make, **options)


def as_bytes(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode()


def _dedented(answers: dict[str, str]) -> dict[str, str]:
    return {name: textwrap.dedent(text).strip() for name, text in answers.items()}
