"""The world around the attacks: secrets, sockets that nobody must call, and what has become of them."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import nbformat

from course.grading.course_folder import CONFIG, CourseFolder
from course.grading.kernel.cgroup import ControlGroup
from course.grading.sample_class import MARKERS, make_class

from .attack import MARK, World, as_bytes, right

ROOT = Path(__file__).parent.parent.parent
AFTERWARDS = [f"honest-{i}" for i in range(4)]
ENVIRONMENT = "SCORE_COURSE_CANARY"


@contextlib.contextmanager
def surrounded(folder: Path) -> Iterator[tuple[World, list[str]]]:
    """A class with secrets in all the places that are not a student's, and sockets that note who calls."""
    words = {name: f"secret-{name}-{secrets.token_hex(12)}" for name in ("solution", "other", "book", "home", "tmp")}
    os.environ[ENVIRONMENT] = f"secret-environment-{secrets.token_hex(12)}"
    base = _class(folder, words["solution"])
    home, tmp = Path.home(), Path(tempfile.gettempdir())
    own = [home / f".{words['home'][:20]}", tmp / f"{words['tmp'][:20]}"]
    own[0].write_text(words["home"])
    own[1].write_text(words["tmp"])
    with base.gradebook as gradebook:
        gradebook.update_or_create_student("canary", first_name=words["book"])
    solution = base.folder("source", ".", "hw2") / "hw2.ipynb"
    victim = base.folder("submitted", "victim", "hw2") / "hw2.ipynb"
    places = {
        solution: words["solution"],
        victim: words["other"],
        Path(base.database.removeprefix("sqlite:///")): words["book"],
        own[0]: words["home"],
        own[1]: words["tmp"],
    }
    answers = {
        cell.metadata.nbgrader.grade_id: _clean(cell.source)
        for cell in nbformat.read(solution, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    released = nbformat.read(base.folder("release", ".", "hw2") / "hw2.ipynb", as_version=4)
    sockets, called = Path(tempfile.mkdtemp(prefix="s-")), []
    world = World(base, released, answers, places, str(sockets / "s"), f"score-course-{os.getpid()}")
    try:
        with _listening(world.socket, called), _listening(f"\0{world.abstract}", called):
            notebook = right(world)
            notebook.cells[1].source += f"\n# {words['other']}"
            for name in ("victim", *AFTERWARDS):
                write(world, name, as_bytes(notebook if name == "victim" else right(world)))
            yield world, called
    finally:
        for path in own:
            path.unlink(missing_ok=True)
        shutil.rmtree(sockets, ignore_errors=True)


def _class(folder: Path, word: str) -> CourseFolder:
    """A class whose solutions carry a secret word."""
    source = folder / "source"
    shutil.copytree(ROOT / "solutions" / "hw2", source / "solutions" / "hw2", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / CONFIG, source / CONFIG)
    path = source / "solutions" / "hw2" / "hw2.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace("    ### END SOLUTION", f"    # {word}\n    ### END SOLUTION")
    nbformat.write(notebook, path)
    return make_class(source, folder / "class")


def _clean(text: str) -> str:
    return "\n".join(line for line in MARKERS.sub("", text).splitlines() if "# secret-" not in line)


@contextlib.contextmanager
def _listening(name: str, called: list[str]) -> Iterator[None]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)
    listener.listen(16)

    def note() -> None:
        with contextlib.suppress(OSError):
            while True:
                listener.accept()
                called.append(name)

    threading.Thread(target=note, daemon=True).start()
    try:
        yield
    finally:
        listener.close()


class Damage:
    """The state of what no attack may change, before and after."""

    def __init__(self, world: World, called: list[str]):
        self._world, self._called, self._more = world, called, []
        self._before = self._state()

    def add(self, what: str, true: bool) -> None:
        if true:
            self._more.append(what)

    def found(self) -> list[str]:
        """Sentences on what has changed."""
        after = self._state()
        changed = [f"{path} has changed" for path, state in self._before.items() if after[path] != state]
        called = [f"the socket {name!r} was called" for name in self._called]
        left = [f"the process {pid} is left over" for pid in _marked()]
        shadows = [f"{path} was run" for path in self._world.base.root.rglob("shadow-ran")]
        with self._world.base.gradebook as gradebook:
            name = gradebook.find_student("canary").first_name
        book = [] if name in self._world.secrets.values() else ["the gradebook has changed"]
        return [*self._more, *changed, *called, *left, *shadows, *book]

    def _state(self) -> dict[Path, tuple]:
        paths = [path for path in self._world.secrets if path.suffix != ".db"]
        return {path: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def _marked() -> list[str]:
    """Processes that an attack has left."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if MARK.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(path.parent.name)
    return found


def most_memory_of_workers() -> int:
    """Bytes that a worker of this process's has held at most."""
    most = 0
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError, AttributeError):
            status = path.read_text()
            if int(re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)[1]) == os.getpid():
                most = max(most, 1024 * int(re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)[1]))
    return most


def groups_hold() -> bool:
    group = ControlGroup(f"score-course-probe-{os.getpid()}", 2**30, 64)
    group.close()
    return group.complete


def write(world: World, student: str, data: bytes) -> Path:
    folder = world.base.folder("submitted", student, "hw2")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hw2.ipynb").write_bytes(data)
    return folder
