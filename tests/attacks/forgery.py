"""Attacks on what a kernel sends: made-up observations, forged messages, and answers learned by heart."""

# ruff: noqa: E501

import base64

from nbformat import NotebookNode

from course.exercises.check import PUBLIC_SEED, all_cases, load
from course.exercises.messages import pack_observations
from course.exercises.observe import observe

from .attack import POINTS, Attack, World, hostile, payload

PROBES = [
    payload(
        "observe-made-up",
        "replaced probe and wire functions",
        "whatever was called, its observation says: a tensor, nothing changed, nothing drawn",
        """
        import course.exercises.observe as probe, course.grading.sandboxed.observed as inside
        def made_up(function, case):
            t = next(v for v in case.arguments.values() if isinstance(v, torch.Tensor))
            return probe.Observation({"result": torch.zeros_like(t)}, probe.Facts(returned=["tensor"]))
        probe.observe = made_up
        inside.observe_all = lambda function, cases: [made_up(function, case) for case in cases]
        """,
    ),
    payload(
        "observe-nothing",
        "replaced probe and wire functions",
        "an empty list of observations has nothing wrong in it",
        """
        import course.grading.sandboxed.observed as inside
        inside.observe_all = lambda *_: []
        """,
        told="not every case was answered",
    ),
    payload(
        "pack-nothing",
        "replaced probe and wire functions",
        "an empty list, packed as if it were all",
        """
        import course.grading.sandboxed.observed as inside
        pack = inside.pack_observations
        inside.pack_observations = lambda seen: pack([])
        """,
        told="not every case was answered",
    ),
    payload(
        "pack-no-bytes",
        "replaced probe and wire functions",
        "no bytes at all",
        "import course.grading.sandboxed.observed as inside\ninside.pack_observations = lambda seen: b''",
        told="could not be observed",
    ),
    Attack(
        "only-the-first-case",
        "replaced probe and wire functions",
        "right on the first case, and the others are left out of what is sent",
        lambda world: hostile(
            world,
            **{
                **{name: world.right[name] for name in POINTS},
                "log_partition": "import course.grading.sandboxed.observed as inside\n"
                "inside.observe_all = lambda f, cases, every=inside.observe_all: every(f, cases[:1])\n"
                + world.right["log_partition"],
            },
        ),
        told="not every case was answered",
    ),
]

FORGE = """
import json, struct, course.grading.sandboxed.observed as inside
from base64 import b64encode
from safetensors.torch import save
from IPython.display import publish_display_data

def message(told, tensors=None, head=None, tail=None):
    head = json.dumps(told).encode() if head is None else head
    return len(head).to_bytes(8, "big") + head + (save(tensors or {}) if tail is None else tail)

def one(t, facts=None):
    return message([{"facts": {"returned": ["tensor"], **(facts or {})}, "devices": {"result": "cpu"}}] * 4,
                   {f"{i} result": t.clone() for i in range(4)})

def raised(text): return message([{"facts": {"raised": {"type": "E", "text": text}}, "devices": {}}])

def forged(name, namespace, cases):
    data = MESSAGES.pop(0)
    publish_display_data({"application/vnd.score-course.observed": data if isinstance(data, str) else b64encode(data).decode()})
inside.publish_observations = forged
"""

NUMBERS = """
x = torch.zeros(6, 3, dtype=torch.float64)
MESSAGES = [
    one(torch.zeros(())), one(x), one(x * torch.nan), one(x.to(torch.complex64)), one(x[:, 0].to(torch.float8_e4m3fn)),
    one(x.bool()), one(torch.zeros(2 * 10**6 - 100).half()), one(x[:0]),
]
"""

SHAPES = """
MESSAGES = [
    message([{"facts": {"returned": []}, "devices": {}}] * 8),
    message([{"facts": {"returned": ["tensor"]}, "devices": {}}] * 8),
    message([{"facts": {"returned": ["tensor", "tensor"]}, "devices": {"result": "cuda"}}], {"0 result": torch.zeros(3)}),
    message([{"facts": {"returned": ["tensor"], "printed": 10**4000}, "devices": {}}] * 4),
    message([{"facts": {}, "devices": {}}] * 999),
    message([{"facts": {"returned": ["tensor"]}, "devices": {"result": "meta"}}], {"0 result": torch.zeros(3)}),
    message({"a": 1}), message([None, 3, "x", [], {}]),
]
"""

BOMBS = """
lie = json.dumps({"0 result": {"dtype": "F64", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}).encode()
many = {f"{i} result": torch.zeros(0) for i in range(60_000)}
MESSAGES = [
    message(None, head=b"[" * 3_000_000), message(None, head=b'[{"facts":' * 20_000),
    message(None, head=b'["' + b"x" * 15_000_000 + b'"]'), message([], tail=struct.pack("<Q", len(lie)) + lie + bytes(8)),
    message([], many), message([], tail=b"\\xff" * 1000), b"\\xff" * 64, message(None, head=b"9" * 10_000_000),
]
"""

TEXTS = """
MESSAGES = [
    raised("\\ud800 half a character"), raised("\\x1b[2J\\x1b]0;title\\x07 clears your screen"),
    raised("<script>alert(1)</script>[bold]"), raised("\\x00" * 200), raised("x" * 10**6), raised("\\u202e right to left"),
    "not base64!", b"",
]
"""


def _forged(name: str, tries: str, messages: str, **options) -> Attack:
    return payload(name, "forged observations", tries, FORGE + messages, **options)


OBSERVATIONS = [
    _forged("forged-numbers", "0-d, zeros, nan, complex, float8, bool, too large, empty", NUMBERS),
    _forged("forged-shapes", "lists without the right parts, other devices, numbers of 4,000 digits", SHAPES),
    _forged("forged-bombs", "deep nesting, 15 MB of text, tensors larger than the world, 60,000 of them", BOMBS),
    _forged("forged-texts", "halves of characters, terminal commands, scripts, zeros, not base64", TEXTS, pages=True),
]

SENDER = """
kernel = get_ipython().kernel
def send(kind, content, stream=None, ident=None, parent=None):
    return kernel.session.send(stream or kernel.iopub_socket, kind, content, parent or kernel.get_parent(), ident=ident)
def reply(parent=None):
    send("execute_reply", {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}},
         kernel.shell_stream, kernel.get_parent_ident() if hasattr(kernel, "get_parent_ident") else kernel._parent_ident["shell"])
"""

MESSAGES = [
    payload(
        "early-idle",
        "forged messages",
        "says that the cell is done, and goes on while the tests are asked for",
        SENDER + "import time\nreply(); send('status', {'execution_state': 'idle'})\ntime.sleep(1.5)",
        ends=False,
    ),
    payload(
        "forged-results",
        "forged messages",
        "a thread sends passed verdicts and made-up observations with the right parent, all the time",
        SENDER
        + """
import threading, time
def always():
    while True:
        for kind in ("execute_result", "display_data", "update_display_data"):
            send(kind, {"data": {"text/plain": "14", "application/vnd.score-course.observed": "AAAAAAAAAAJbXQgAAAAAAAAAe30gICAgICA="}})
        send("kernel_info_reply", {"status": "ok"}); time.sleep(0.05)
threading.Thread(target=always, daemon=True).start()
""",
    ),
    payload(
        "flood",
        "forged messages",
        "sends messages without end",
        SENDER + "for i in range(200_000): send('stream', {'name': 'stdout', 'text': 'x'})",
        ends=False,
        told="printed without end|did not end",
    ),
    payload(
        "flood-of-errors",
        "forged messages",
        "errors with long tracebacks, to fill the graded notebook",
        SENDER
        + "line = 'x' * 19_000\nfor i in range(400):\n"
        + "    send('error', {'ename': line, 'evalue': line, 'traceback': [line]})",
        ends=False,
    ),
    payload(
        "broken-messages",
        "forged messages",
        "frames that are no messages, unsigned, too few, nested, of the wrong types",
        SENDER
        + """
for frames in ([b""], [b"<IDS|MSG>"], [b"<IDS|MSG>", b"", b"{", b"}", b"[]", b"null"], [b"\\xff" * 100] * 40):
    kernel.iopub_socket.send_multipart(frames)
for content in (3, None, [], {"text": {"a": [1]}, "name": []}, {"data": 3}, {"traceback": 7}, {"execution_state": [1]}):
    for kind in ("stream", "error", "display_data", "status", "execute_result", "clear_output"):
        kernel.session.send(kernel.iopub_socket, {"header": kernel.session.msg_header(kind), "msg_id": "a", "msg_type": kind,
            "parent_header": kernel.get_parent()["header"], "metadata": {}, "content": content})
""",
    ),
]


def _by_heart(world: World) -> NotebookNode:
    """Every right result for the public seed, written down and told again in its order."""
    exercises = load("hw2")
    answers = {}
    for name in POINTS:
        if name == "langevin_chain":  # noise cannot be learned by heart, and this is too long for a cell
            continue
        seen = [observe(exercises[name].answer, case) for case in all_cases(exercises[name], PUBLIC_SEED)]
        text = base64.b64encode(pack_observations(seen)).decode()
        answers[name] = (
            "import base64; from course.exercises.messages import unpack_observations\n"
            f"_{name} = unpack_observations(base64.b64decode({text!r}), 99)\n"
            f"def {name}(*_):\n"
            f"    told = list(_{name}.pop(0).tensors.items())\n"
            "    several = [t for key, t in told if key.startswith('result[')]\n"
            "    return tuple(several) if several else told[0][1]"
        )
    return hostile(world, **answers)


HEART = [
    Attack(
        "by-heart",
        "answers hard-coded for the public seed",
        "the right results of the notebook's own cases, told again in their order",
        _by_heart,
        told="the largest error|decisions|got shape|attached|times the expected|expected",
    ),
]

FORGERIES = [*PROBES, *OBSERVATIONS, *MESSAGES, *HEART]
