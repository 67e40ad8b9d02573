"""The gradebook in a real PostgreSQL, where one is installed: nbgrader and `course grade` do as with SQLite."""

import os
import pwd
import shutil
import subprocess
import tempfile
from glob import glob
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")
pytest.importorskip("psycopg", reason="needs psycopg, PostgreSQL's driver")

from course.grading.batch import grade_class
from course.grading.course_folder import CourseFolder
from course.grading.gradebook import GradeRecord
from course.grading.kernel.sandbox import Settings
from course.grading.sample_class import make_class

ROOT = Path(__file__).parent.parent
SERVERS = sorted(glob("/usr/lib/postgresql/*/bin/initdb")) or [path for path in [shutil.which("initdb")] if path]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVERS, reason="needs PostgreSQL's server"),
    pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap"),
]


@pytest.fixture
def database():
    """The address of an empty database in a server of its own, which listens on a socket in a folder only."""
    programs, data, user = Path(SERVERS[-1]).parent, Path(tempfile.mkdtemp(prefix="postgres-")), {}
    if os.getuid() == 0:  # PostgreSQL does not run as root
        owner = pwd.getpwnam("postgres")
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        os.chown(data, owner.pw_uid, owner.pw_gid)

    def run(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *arguments], check=True, capture_output=True, cwd=data, **user)

    run("initdb", "--auth=trust", "--username=instructor", "--pgdata", str(data / "db"))
    options = f"-c listen_addresses='' -c unix_socket_directories={data}"
    run("pg_ctl", "start", "--wait", "--pgdata", str(data / "db"), "--options", options, "--log", str(data / "log"))
    try:
        yield f"postgresql+psycopg://instructor@/postgres?host={data}"
    finally:
        run("pg_ctl", "stop", "--mode=immediate", "--pgdata", str(data / "db"))
        shutil.rmtree(data)


def test_a_class_in_postgresql(tmp_path, database, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(ROOT / "solutions" / "hw2", source / "solutions" / "hw2")
    config = (ROOT / "nbgrader_config.py").read_text()
    (source / "nbgrader_config.py").write_text(config + f'\nc.CourseDirectory.db_url = "{database}"\n')
    base: CourseFolder = make_class(source, tmp_path / "class")
    assert base.database == database
    assert grade_class(base, "hw2", settings=Settings("hw2")).done == 3
    assert grade_class(base, "hw2", settings=Settings("hw2")).done == 0
    assert {one.student: one.points for one in base.scores("hw2")} == {"right": 88, "typically-wrong": 4, "empty": 0}
    assert sorted(GradeRecord(base).lines("hw2")) == ["empty", "right", "typically-wrong"]
    assert not list(base.root.rglob("gradebook.db"))
