"""Honest accidents, which must cost nothing but what is really wrong."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from .attack import ALL, POINTS, Attack, World, edited, right

KIND = "honest accidents"


def _before(name: str, tries: str, code: str, deserves: float = ALL, told: str = "") -> Attack:
    """Code before the right text of the first answer."""

    def make(world: World) -> NotebookNode:
        return right(world, log_partition=f"{code}\n{world.right['log_partition']}")

    return Attack(name, KIND, tries, make, deserves, told)


def _everywhere(world: World) -> NotebookNode:
    noise = "import sys, warnings\nwarnings.warn('noise')\nprint('noise', file=sys.stderr)\n"
    noise += "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass\n"
    inside = "    import sys, warnings; warnings.warn('noise'); print('noise'); print('noise', file=sys.stderr)\n"
    answers = {}
    for name in POINTS:
        head, _, code = world.right[name].rpartition('"""\n')
        answers[name] = f'{noise}{head}"""\n{inside}{code}'
    return right(world, **answers)


def _in_one_cell(world: World) -> NotebookNode:
    return right(
        world,
        **{
            **dict.fromkeys(POINTS, "# see above"),
            "log_partition": "\n\n".join(world.right[name] for name in POINTS),
        },
    )


def _in_helpers(notebook: NotebookNode) -> None:
    """Every answer in a cell of the student's own before the cell that it belongs to."""
    cells = []
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in POINTS:
            cells.append(new_code_cell(cell.source))
            cell.source = "# above"
        cells.append(cell)
    notebook.cells = cells


ACCIDENTS = [
    Attack("warnings-and-bars", KIND, "warnings, prints and progress bars in cells and functions", _everywhere, ALL),
    _before(
        "changed-defaults",
        "float64, no gradients, seeds, another folder, warnings as errors",
        "import os, random, warnings, numpy\ntorch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
        "torch.manual_seed(0); random.seed(0); numpy.random.seed(0); numpy.seterr(all='raise')\nos.chdir('/')\n"
        "warnings.simplefilter('error')\ntorch.set_printoptions(precision=1)\ntorch.autograd.set_detect_anomaly(True)\n"
        "torch.inference_mode().__enter__()",
    ),
    _before(
        "unended-print", "a line that is never ended", "import sys\nprint('no end', end=''); sys.stderr.write('none')"
    ),
    _before("long-print", "20,000 lines", "for i in range(20_000): print('step', i, 'loss', i / 7)"),
    _before(
        "threads-left",
        "a thread that goes on, and a figure",
        "import threading, time\nimport matplotlib.pyplot as plt\n"
        "threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(int, 1)], daemon=True).start()\n"
        "plt.plot([1, 2]);",
    ),
    _before("magics", "magics and shell commands", "%matplotlib inline\n!echo hello\n%timeit -n1 -r1 pass"),
    Attack(
        "asks-the-user",
        KIND,
        "input() in a cell, after the function",
        lambda world: right(world, energy_score=world.right["energy_score"] + "\ninput('Go on?')"),
        ALL,
    ),
    Attack(
        "syntax-error",
        KIND,
        "one cell that does not parse",
        lambda world: right(world, contrastive_divergence="def contrastive_divergence(energy, data:\n    return 0"),
        ALL - POINTS["contrastive_divergence"],
        "no function `contrastive_divergence`",
    ),
    Attack(
        "renamed-function",
        KIND,
        "one function under another name",
        lambda world: right(
            world,
            contrastive_divergence=world.right["contrastive_divergence"].replace(
                "def contrastive", "def my_contrastive"
            ),
        ),
        ALL - POINTS["contrastive_divergence"],
        "rename",
    ),
    Attack("all-in-one-cell", KIND, "every function in the first answer's cell", _in_one_cell, ALL),
    edited("own-cells", KIND, "every function in a cell of one's own", _in_helpers, deserves=ALL),
    Attack("untouched", KIND, "handed in as it was handed out", lambda world: world.released, 0, "not written yet"),
]
