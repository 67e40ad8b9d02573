"""`course grade`: nbgrader's own grades, in parallel, recorded once whatever happens."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

from course.grading.batch import grade_class, local_workers, remote_workers
from course.grading.course_folder import CourseFolder, GradingError
from course.grading.gradebook import GradeRecord
from course.grading.kernel.sandbox import ForkServer, KernelError, SandboxError, Settings, in_sight
from course.grading.sample_class import make_class
from course.grading.submission.grade import Task, grade

ROOT = Path(__file__).parent.parent
SANDBOX = pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")

pytestmark = [pytest.mark.slow, SANDBOX]


def hw2(folder: Path, copies: int = 1) -> CourseFolder:
    return make_class(ROOT, folder, ["hw2"], copies)


def points(base: CourseFolder, assignment: str = "hw2") -> dict[str, tuple[float, float]]:
    return {one.student: (one.points, one.by_hand) for one in base.scores(assignment)}


def command(base: CourseFolder, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "course.cli", "grade", "hw2", *arguments]


def test_grades_are_those_of_plain_nbgrader(tmp_path):
    base = hw2(tmp_path)
    for student in ("right", "typically-wrong", "empty"):
        base.autograde("hw2", student)
    plain = points(base), [base.verdicts("hw2", student) for student in sorted(points(base))]
    grade_class(base, "hw2", settings=Settings("hw2"))
    ours = points(base), [base.verdicts("hw2", student) for student in sorted(points(base))]
    assert ours[0] == plain[0] == {"right": (88, 12), "typically-wrong": (4, 0), "empty": (0, 0)}
    for mine, theirs in zip(ours[1], plain[1]):
        assert [(v.exercise, v.points, v.misconception) for v in mine] == [
            (v.exercise, v.points, v.misconception) for v in theirs
        ]


def test_what_is_recorded_is_graded_again_only_when_it_changes(tmp_path):
    base = hw2(tmp_path)
    assert grade_class(base, "hw2", settings=Settings("hw2")).done == 3
    assert grade_class(base, "hw2", settings=Settings("hw2")).done == 0
    path = base.folder("submitted", "right", "hw2") / "hw2.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "langevin_step":
            cell.source = "def langevin_step(x, score, step_size, noise):\n    return x"
    nbformat.write(notebook, path)
    assert grade_class(base, "hw2", settings=Settings("hw2")).done == 1
    assert points(base)["right"][0] < 88
    assert grade_class(base, "hw2", ["empty"], Settings("hw2"), force=True).done == 1


def test_late_submissions_lose_what_nbgraders_plugin_takes(tmp_path):
    base = hw2(tmp_path)
    config = base.root / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.LateSubmissionPlugin.penalty_method = "zero"\n')
    base = CourseFolder(base.root)
    with base._nbgrader.gradebook as gradebook:
        gradebook.update_or_create_assignment("hw2", duedate="2026-01-10 12:00:00 UTC")
    for student, day in (("right", 11), ("typically-wrong", 9)):
        (base.folder("submitted", student, "hw2") / "timestamp.txt").write_text(f"2026-01-{day} 12:00:00 UTC")
    grade_class(base, "hw2", settings=Settings("hw2"))
    with base._nbgrader.gradebook as gradebook:
        late = {
            one.student.id: one.notebooks[0].late_submission_penalty for one in gradebook.assignment_submissions("hw2")
        }
    assert late == {"right": 88, "typically-wrong": None, "empty": None}


def test_the_penalty_that_the_page_prints_counts_hours_and_not_clocks(tmp_path):
    """Due on the evening before the change to summer time; 23.5 hours later two midnights have passed, and one day."""
    base = hw2(tmp_path)
    page = (ROOT / "docs" / "instructor.md").read_text(encoding="utf-8").split("## A late penalty of your own")[1]
    plugin, setting = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[:2]
    (base.root / "late_penalty.py").write_text(plugin, encoding="utf-8")
    config = base.root / "nbgrader_config.py"
    config.write_text(config.read_text() + setting)
    base = CourseFolder(base.root)
    with base._nbgrader.gradebook as gradebook:
        gradebook.update_or_create_assignment("hw2", duedate="2026-03-28 22:59:00 UTC")
    for student, moment in (("right", "2026-03-30 00:30:00 +0200"), ("typically-wrong", "2026-03-30 01:10:00 +0200")):
        (base.folder("submitted", student, "hw2") / "timestamp.txt").write_text(moment)
    grade_class(base, "hw2", settings=Settings("hw2"))
    with base._nbgrader.gradebook as gradebook:
        lost = {
            one.student.id: one.notebooks[0].late_submission_penalty for one in gradebook.assignment_submissions("hw2")
        }
    assert lost == {"right": pytest.approx(8.8), "typically-wrong": pytest.approx(0.8), "empty": None}


def test_killed_at_any_moment_nothing_is_lost_or_done_twice(tmp_path):
    """SIGKILL to the grader twenty times; every grade once, and each that was there stays as it was."""
    base = hw2(tmp_path, copies=12)
    chance, seen = random.Random(0), {}
    for _ in range(20):
        process = subprocess.Popen(
            command(base), cwd=base.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(chance.uniform(2.0, 9.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        lines = GradeRecord(base).lines("hw2")
        assert {student: lines[student] for student in seen} == seen, "a recorded grade was graded again"
        seen = lines
        assert len([one for one in base.scores("hw2") if one.possible or one.by_hand]) >= len(lines)
    assert subprocess.run(command(base), cwd=base.root, capture_output=True, check=False).returncode == 0
    lines = GradeRecord(base).lines("hw2")
    assert len(lines) == 36
    assert {student: lines[student] for student in seen} == seen
    for student, (got, _) in points(base).items():
        assert got == {"right": 88, "typically-wrong": 4, "empty": 0}[student.rsplit("-", 1)[0]], student


def test_a_cluster_that_loses_a_worker_grades_everything(tmp_path):
    """A real scheduler and two workers on loopback; one worker is killed while it grades."""
    base, processes = hw2(tmp_path, copies=4), []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(*arguments: str) -> subprocess.Popen:
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return processes[-1]

    address = "tcp://127.0.0.1:18786"
    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "18786", "--no-dashboard")
        workers = [
            start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
            for _ in range(2)
        ]

        def kill_one(progress, student):
            if progress.done == 3:
                workers[0].kill()

        done = grade_class(base, "hw2", settings=Settings("hw2"), crew=remote_workers(address), tell=kill_one)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert (done.done, done.failed) == (12, {})
    assert sorted(got for got, _ in points(base).values()) == [0] * 4 + [4] * 4 + [88] * 4


def test_nobody_at_the_schedulers_address_is_said_in_a_sentence(tmp_path):
    base = hw2(tmp_path)
    with pytest.raises(GradingError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        grade_class(base, "hw2", settings=Settings("hw2"), crew=remote_workers("tcp://127.0.0.1:1"))


def test_without_bubblewrap_grading_stops_with_a_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SandboxError, match=r"needs bubblewrap .* or trust the class and give --no-sandbox"):
        ForkServer(Settings("hw2"))


def test_a_trusted_class_is_graded_without_a_sandbox(tmp_path):
    base = hw2(tmp_path)
    assert grade_class(base, "hw2", settings=None).done == 3
    assert points(base)["right"] == (88, 12)


def test_a_kernel_that_does_not_come_up_costs_nobody_a_grade(tmp_path, monkeypatch):
    ends_at_once = KernelSpec(argv=[sys.executable, "-c", ""], language="python")
    monkeypatch.setattr("course.grading.kernel.session._specification", lambda settings: ends_at_once)
    source = GradeRecord(hw2(tmp_path)).source("hw2")
    with pytest.raises(KernelError, match="A kernel did not start: "):
        grade(Task("right", "hw2", source, source.encode(), settings=None))


def test_a_class_that_students_code_could_read_is_refused(monkeypatch, tmp_path):
    """An environment's own folder may hold a class; its folder of packages may not."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "lib" / "class").mkdir(parents=True)
    assert in_sight(tmp_path) is None
    assert "move the class elsewhere" in str(in_sight(tmp_path / "lib" / "class"))
    assert in_sight(Path("/usr/local/share/nbgrader/exchange")) is None


STRANGER = """
import sys
from distributed import Client
try:
    Client(sys.argv[1], timeout="3s")
except (OSError, TypeError):  # it speaks TLS and has no certificate, or it speaks no TLS
    sys.exit(7)
"""


def test_workers_on_this_machine_answer_nobody_else():
    """Without the certificate that only this process has, another process cannot speak to their scheduler."""
    with local_workers(1) as crew:
        address = crew.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        for tried in (address, address.replace("tls", "tcp")):
            stranger = subprocess.run([sys.executable, "-c", STRANGER, tried], capture_output=True, check=False)
            assert stranger.returncode == 7, stranger.stderr.decode()


def test_any_jupyter_program_can_have_a_sandboxed_kernel(tmp_path):
    """nbclient, with a kernel specification that names the provisioner."""
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    config = {"provisioner_name": "score-course-sandbox", "config": {"assignment": "hw2"}}
    manager = AsyncKernelManager(transport="ipc")
    manager._kernel_spec = KernelSpec(argv=["python"], metadata={"kernel_provisioner": config}, language="python")
    cell = nbformat.v4.new_code_cell(
        "import os\nprint(os.getpid(), os.path.exists('solutions'))\nimport course.langevin"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, km=manager, allow_errors=True).execute()
    assert notebook.cells[0].outputs[0].text == "1 False\n"
    assert notebook.cells[0].outputs[1].evalue.startswith("course.langevin holds answers of hw2")
