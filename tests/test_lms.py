"""Laws of learning platforms: rosters come back, hostile archives touch nothing, scores leave as they are."""

import csv
import io
import json
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import unicodedata
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.cli import app
from course.grading.course_folder import CourseFolder, GradingError
from course.grading.lms.collect import collect, time_zone
from course.grading.lms.exports import FORMS, export
from course.grading.lms.import_roster import import_roster, read_roster
from course.grading.lms.people import PeopleIndex, Person, letters, students
from course.grading.lms.zip_files import Archive, Limits

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted.*not in session")  # nbgrader's own way
UTC = timezone.utc
WHEN = datetime(2026, 2, 5, 14, 30, 6, tzinfo=UTC)

# Names as classes have them: accents, apostrophes, underscores, hyphens, double surnames, other scripts, one name only.
NAMES = [
    ("Ada", "Lovelace"),
    ("José María", "García Márquez"),
    ("Siobhán", "O'Brien"),
    ("Zoë", "van 't Hooft"),
    ("Łukasz", "Żółć-Nowak"),
    ("under_score", "snake_case_name"),
    ("小明", "王"),
    ("Jürgen", "Groß"),
    ("", "Sukarno"),
    ("Anne-Marie", "D’Angelo, Jr."),
    ("=cmd()", "+1"),
    ("Nguyễn", "Văn A"),
]
CLASS = [
    Person(f"s{n}", first, last, f"s{n}@example.edu", str(1000 + n)) for n, (first, last) in enumerate(NAMES, start=1)
]


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> Path:
    """Two classes with one small assignment, hw2: nobody is in the one, and CLASS in the other."""
    folder = tmp_path_factory.mktemp("classes")
    (folder / "empty" / "solutions" / "hw2").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder / "empty")
    nbformat.write(solution(), folder / "empty" / "solutions" / "hw2" / "hw2.ipynb")
    with CourseFolder(folder / "empty").gradebook:
        shutil.copytree(folder / "empty", folder / "full")
    with CourseFolder(folder / "full").gradebook as gradebook:
        gradebook.add_assignment("hw2", duedate="2026-02-05 12:00:00 UTC")
        for one in CLASS:
            gradebook.add_student(one.id, **{name: value for name, value in vars(one).items() if name != "id"})
    return folder


@pytest.fixture
def base(classes, tmp_path) -> CourseFolder:
    """A class with nobody in it."""
    return CourseFolder(shutil.copytree(classes / "empty", tmp_path / "class"))


@pytest.fixture
def full(classes, tmp_path) -> CourseFolder:
    """The class CLASS."""
    return CourseFolder(shutil.copytree(classes / "full", tmp_path / "class"))


def solution() -> nbformat.NotebookNode:
    def graded(cell, name, **more):
        cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, "locked": False, **more}
        return cell

    return new_notebook(
        cells=[
            graded(
                new_code_cell("### BEGIN SOLUTION\ndouble = lambda x: 2 * x\n### END SOLUTION"),
                "double",
                grade=False,
                solution=True,
            ),
            graded(new_code_cell("assert double(2) == 4"), "test", grade=True, solution=False, points=10),
            graded(new_markdown_cell("Because."), "why", grade=True, solution=True, points=5),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def notebook(text: str) -> bytes:
    return nbformat.writes(new_notebook(cells=[new_code_cell(text, id="cell")])).encode()


def pack(path: Path, members: dict, dates: dict | None = None) -> Path:
    """A zip file of members by name, each bytes or (ZipInfo changes, bytes)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            when = (dates or {}).get(name, datetime(2026, 2, 6, 9, 0, 0))
            info = zipfile.ZipInfo(name, when.timetuple()[:6])
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, data)
    return path


def handed_in(base, student: str) -> str | None:
    path = base.folder("submitted", student, "hw2") / "hw2.ipynb"
    return nbformat.read(path, as_version=4).cells[0].source if path.exists() else None


def stamp(base, student: str) -> str | None:
    path = base.folder("submitted", student, "hw2") / "timestamp.txt"
    return path.read_text().strip() if path.exists() else None


def canvas_name(person: Person, file: str, number: int, late: bool = False) -> str:
    """As lib/content_zipper.rb: the sortable name in lower case and the user's number, down to word characters."""
    name = f"{person.last_name}, {person.first_name}".lower() + ("_LATE" if late else "") + f"_{person.lms_user_id}"
    return "".join(c for c in name if c.isalnum() or c == "_") + f"_{number}_{file}"


def moodle_folder(name: str, number: int) -> str:
    """As mod/assign/classes/downloader.php: underscores become spaces, and forbidden characters go."""
    clean = "".join(c for c in name.replace("_", " ") if c not in '\\/:*?"<>|&')
    return f"{clean}_{number}_assignsubmission_file_"


# Rosters


def table(*rows: list, separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def sortable(person: Person) -> str:
    return ", ".join(name for name in (person.last_name, person.first_name) if name)


ROSTERS = {
    "nbgrader": table(
        ["id", "first_name", "last_name", "email", "lms_user_id"],
        *[[p.id, p.first_name, p.last_name, p.email, p.lms_user_id] for p in CLASS],
    ),
    "Canvas": table(
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw1 (12)", "Final Score"],
        ["    Points Possible", "", "", "", "", "100", "(read only)"],
        *[[sortable(p), p.lms_user_id, f"u{p.id}", p.id, "A", "7", "7"] for p in CLASS],
        ["Student, Test", "99", "", "0f1e2d", "A", "", ""],
    ),
    "Moodle": table(
        ["First name", "Last name", "ID number", "Email address", "Groups"],
        *[[p.first_name, p.last_name, p.id, p.email, "No groups"] for p in CLASS],
    ),
    "Gradescope": table(
        ["First Name", "Last Name", "SID", "Email", "Role"],
        *[[p.first_name, p.last_name, p.id, p.email, "Student"] for p in CLASS],
        ["Grace", "Hopper", "", "grace@example.edu", "Instructor"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", ROSTERS)
def test_a_roster_comes_into_the_gradebook_and_again_changes_nothing(base, form):
    path = base.root / "roster.csv"
    path.write_text(ROSTERS[form], encoding="utf-8")
    first = import_roster(base, path)
    assert (first.form, len(first.added)) == (form, len(CLASS))
    with base.gradebook as gradebook:
        found = {one.id: one for one in students(gradebook)}
    for one in CLASS:
        if form == "Canvas" and "," in one.last_name:
            continue  # 'D’Angelo, Jr., Anne-Marie' can be divided in two ways
        assert letters(found[one.id].name) == letters(one.name)
        assert found[one.id].email == (one.email if form != "Canvas" else "")
        assert found[one.id].lms_user_id == (one.lms_user_id if form in ("nbgrader", "Canvas") else "")
    again = import_roster(base, path)
    assert (len(again.added), len(again.updated), len(again.unchanged)) == (0, 0, len(CLASS))


@pytest.mark.parametrize("form", ROSTERS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_and_separators_do_not_count(tmp_path, form, separator, encoding):
    plain_ones = lambda row: "".join(row).encode("cp1252", "ignore").decode("cp1252") == "".join(row)
    rows = [row for row in csv.reader(io.StringIO(ROSTERS[form])) if plain_ones(row)]
    path = tmp_path / "roster.csv"
    path.write_bytes(table(*rows, separator=separator).encode(encoding))
    plain = tmp_path / "plain.csv"
    plain.write_text(table(*rows), encoding="utf-8")
    assert read_roster(path) == read_roster(plain)
    assert any(one.last_name == "García Márquez" for one in read_roster(path)[1])


def test_what_nobody_told_is_kept_and_nobody_is_deleted(full):
    path = full.root / "gradescope.csv"
    path.write_text(table(["Name", "SID", "Email", "Role"], ["Ada King", "", "S1@example.edu", "Student"]))
    result = import_roster(full, path)
    assert (result.added, result.updated) == ([], ["s1"])
    with full.gradebook as gradebook:
        found = {one.id: one for one in students(gradebook)}
    assert len(found) == len(CLASS)
    assert found["s1"] == Person("s1", "Ada", "King", "S1@example.edu", "1001")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a,b\n1,2\n", "begins with 'a,b', which is no header known here"),
        (b"id,first_name\nada,A\nbob,B\nADA,C\n", "id 'ADA' on lines 2 and 4"),
        (b"id,first_name\n../ada,A\n", "line 2: '../ada' cannot be a student's id"),
        (b"id,first_name\n", "has no students"),
        (b"PK\x03\x04xxxx", "is a spreadsheet, not a CSV file"),
        (b"id,first_name\nada,\x81\xff\n", "neither UTF-8, UTF-16 nor Windows-1252"),
        (b"\xff\xfei\0d\0,\0\n\0\xd8", "neither UTF-8, UTF-16 nor Windows-1252"),
        (b"id,first_name\nada,\x00\x01\n", "neither UTF-8, UTF-16 nor Windows-1252"),
        (b'id,first_name\nada,"' + b"x" * 200_000, "not a CSV file that can be read"),
    ],
)
def test_a_bad_roster_is_one_sentence_and_changes_nothing(base, data, says):
    path = base.root / "roster.csv"
    path.write_bytes(data)
    with pytest.raises(GradingError) as error:
        import_roster(base, path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    with base.gradebook as gradebook:
        assert students(gradebook) == []


def test_a_name_leads_to_its_student_in_any_order_case_and_normal_form():
    directory = PeopleIndex(CLASS)
    for one in CLASS:
        spellings = {f"{one.first_name} {one.last_name}", f"{one.last_name} {one.first_name}"}
        spellings |= {f"{one.last_name}, {one.first_name}".upper()}
        for name in spellings:
            for form in ("NFC", "NFD", "NFKC"):
                assert directory.by_name(unicodedata.normalize(form, name)) == [one]
    assert directory.by_name("Jose Maria Garcia Marquez") == [CLASS[1]]
    assert directory.by_name("") == directory.by_name("Nobody") == directory.by_name("!!") == []


def test_namesakes_are_nobody():
    directory = PeopleIndex(
        [Person("a", "Anna", "Schmidt"), Person("b", "Anna", "Schmidt"), Person("c", "Änna", "Schmidt")]
    )
    assert {one.id for one in directory.by_name("Anna Schmidt")} == {"a", "b"}
    assert [one.id for one in directory.by_name("Änna Schmidt")] == ["c"]


# Hand-in


def test_canvas(full):
    late = [person for n, person in enumerate(CLASS) if n % 3 == 0]
    members = {canvas_name(p, "hw2.ipynb", 500 + n, p in late): notebook(p.id) for n, p in enumerate(CLASS)}
    receipt = collect(full, "hw2", [pack(full.root / "submissions.zip", members)])
    assert receipt.problems == receipt.missing == []
    assert receipt.states == {one.id: "new" for one in CLASS}
    for one in CLASS:
        assert handed_in(full, one.id) == one.id
        assert stamp(full, one.id) == ("2026-02-05 12:00:01.000000 UTC" if one in late else None)


@pytest.mark.parametrize("flat", [False, True])
def test_moodle_with_its_grading_worksheet(full, flat):
    path = "{}hw2.ipynb" if flat else "{}/hw2.ipynb"
    members = {path.format(moodle_folder(p.name, 70 + n)): notebook(p.id) for n, p in enumerate(CLASS)}
    sheet, time = full.root / "Grades.csv", "Thursday, 5 February 2026, 3:30 PM"
    sheet.write_text(
        table(
            ["Identifier", "Full name", "Email address", "Status", "Grade", "Last modified (submission)"],
            *[[f"Participant {70 + n}", p.name, p.email, "", "", time] for n, p in enumerate(CLASS)],
        ),
        encoding="utf-8-sig",
    )  # fmt: skip
    archive = pack(full.root / "hw2.zip", members)
    receipt = collect(full, "hw2", [archive, sheet], time_zone("Europe/Berlin"))
    assert receipt.problems == []
    for one in CLASS:
        assert (handed_in(full, one.id), stamp(full, one.id)) == (one.id, "2026-02-05 14:30:00.000000 UTC")


def test_moodle_dates_count_where_they_cannot_be_the_downloads(full):
    names = [f"{moodle_folder(p.name, n)}/hw2.ipynb" for n, p in enumerate(CLASS)]
    members = {name: notebook(name) for name in names}
    begun = datetime(2026, 2, 6, 9, 0, 0)
    download = {name: begun + timedelta(seconds=2 * n) for n, name in enumerate(names)}
    receipt = collect(full, "hw2", [pack(full.root / "streamed.zip", members, download)], UTC)
    assert any("dated by its download" in note for note in receipt.notes)
    assert stamp(full, "s1") is None
    real = {name: begun + timedelta(hours=(7 * n) % 12) for n, name in enumerate(names)}
    receipt = collect(full, "hw2", [pack(full.root / "kept.zip", members, real)], UTC)
    assert receipt.notes == receipt.problems == []
    assert set(receipt.states.values()) == {"unchanged"}
    assert stamp(full, "s2") == "2026-02-06 16:00:00.000000 UTC"


def gradescope(people: dict[str, list[Person]], when: datetime = WHEN) -> bytes:
    lines = []
    for folder, group in people.items():
        lines += [f"{folder}:", "  :submitters:"]
        for one in group:
            lines += [f"  - :name: {json.dumps(one.name)}", f"    :sid: '{one.id}'", f"    :email: {one.email}"]
        lines += [
            f"  :created_at: {when:%Y-%m-%d %H:%M:%S.%f000} Z",
            "  :score: 0.0",
            "  :results: !ruby/hash:Mash",
            "    a: 1",
        ]
    return "\n".join(lines).encode()


def test_gradescope_and_its_groups(full):
    folders = {f"submission_{n}": [one] for n, one in enumerate(CLASS[2:])} | {"submission_99": CLASS[:2]}
    members = {"assignment_5_export/submission_metadata.yml": gradescope(folders)}
    members |= {f"assignment_5_export/{name}/hw2.ipynb": notebook(name) for name in folders}
    receipt = collect(full, "hw2", [pack(full.root / "export.zip", members)])
    assert receipt.problems == receipt.missing == []
    assert handed_in(full, "s1") == handed_in(full, "s2") == "submission_99"
    assert stamp(full, "s1") == "2026-02-05 14:30:06.000000 UTC"


def test_what_nobody_owns_is_reported_by_name_and_the_rest_collected(full):
    members = {canvas_name(CLASS[0], "hw2.ipynb", 5): notebook("ada"), "strangerdoctor_4242_6_hw2.ipynb": b"{}",
               "anon_x1y2z_7_hw2.ipynb": b"{}", "readme\x1b[31m.txt": b""}  # fmt: skip
    receipt = collect(full, "hw2", [pack(full.root / "a.zip", members)])
    assert handed_in(full, "s1") == "ada"
    assert len(receipt.problems) == 3
    assert "strangerdoctor_4242_6_hw2.ipynb is nobody's: Canvas user 4242 is not in the roster" in receipt.problems[0]
    assert "\x1b" not in str(receipt)
    assert receipt.missing == [
        one.id for one in sorted(CLASS, key=lambda p: (p.last_name, p.first_name)) if one.id != "s1"
    ]


def test_a_file_that_pretends_to_be_anothers_is_its_own_students(full):
    ada, jose = CLASS[:2]
    forged = canvas_name(ada, f"x_{jose.lms_user_id}_9_hw2.ipynb", 8)
    folder = moodle_folder(ada.name, 3) + "/" + moodle_folder(jose.name, 4) + "hw2.ipynb"
    for name, members in {"c.zip": {forged: notebook("c")}, "m.zip": {folder: notebook("m")}}.items():
        collect(full, "hw2", [pack(full.root / name, members, {folder: datetime(2026, 3, 1)})])
        assert handed_in(full, ada.id) == name[0]
        assert handed_in(full, jose.id) is None


def test_another_number_or_address_is_another_student_though_the_name_agrees(full):
    ada, jose = CLASS[:2]
    namesake = Person("x", ada.first_name, ada.last_name, "other@example.edu", "4242")
    forged = {canvas_name(namesake, f"y_{jose.lms_user_id}_9_hw2.ipynb", 8): notebook("forged")}
    canvas = forged | {canvas_name(namesake, "hw2.ipynb", 7): notebook("namesake's")}
    members = {"e/submission_metadata.yml": gradescope({"submission_1": [namesake]})}
    members["e/submission_1/hw2.ipynb"] = notebook("namesake's")
    for archive, number in ((pack(full.root / "c.zip", canvas), 2), (pack(full.root / "g.zip", members), 1)):
        receipt = collect(full, "hw2", [archive])
        assert receipt.states == {}
        assert len(receipt.problems) == number


def test_moodle_dates_that_do_not_rise_are_no_downloads(full):
    names = [f"{moodle_folder(p.name, 3)}/hw2.ipynb" for p in CLASS[:2]]
    dates = {names[0]: datetime(2026, 2, 5, 11, 58), names[1]: datetime(2026, 2, 5, 11, 55)}
    collect(full, "hw2", [pack(full.root / "m.zip", {name: notebook("") for name in names}, dates)], UTC)
    assert stamp(full, "s2") == "2026-02-05 11:55:00.000000 UTC"


def one_student(files: list[str]) -> dict[str, bytes]:
    return {canvas_name(CLASS[0], file, 10 + n): notebook(file) for n, file in enumerate(files)}


@pytest.mark.parametrize(
    ("files", "counts", "says"),
    [
        (["hw2.ipynb"], "hw2.ipynb", None),
        (["hw2-2.ipynb"], "hw2-2.ipynb", None),
        (["hw2.ipynb", "hw2-1.ipynb", "hw2-10.ipynb", "hw2-9.ipynb"], "hw2-10.ipynb", "hw2-9.ipynb does not"),
        (["HW2.ipynb"], "HW2.ipynb", None),
        (["hw2 (1).ipynb"], "hw2 (1).ipynb", "the only notebook"),
        (["my homework.IPYNB"], "my homework.IPYNB", "the only notebook"),
        (["hw2.ipynb", "scratch.ipynb", "data.csv"], "hw2.ipynb", "scratch.ipynb does not"),
        (["hw2.ipynb", "HW2.ipynb"], None, "which one counts is open"),
        (["a.ipynb", "b.ipynb"], None, "which one counts is open"),
        (["hw2.zip"], None, "handed in an archive"),
        (["hw2.pdf"], None, "no notebooks"),
    ],
)
def test_which_notebook_counts(full, files, counts, says):
    receipt = collect(full, "hw2", [pack(full.root / "a.zip", one_student(files))])
    assert handed_in(full, "s1") == counts
    assert says is None or says in str(receipt)
    assert bool(receipt.problems) == (counts is None and files != ["hw2.pdf"])


def test_litter_is_no_submission(full):
    mac = {"__MACOSX/._" + name: b"\0\5" for name in one_student(["hw2.ipynb"])}
    folder = moodle_folder(CLASS[1].name, 3)
    litter = {f"{folder}/.ipynb_checkpoints/hw2-checkpoint.ipynb": notebook("old"), f"{folder}/.DS_Store": b""}
    receipt = collect(full, "hw2", [pack(full.root / "c.zip", one_student(["hw2.ipynb"]) | mac)])
    assert receipt.problems == receipt.notes == []
    receipt = collect(full, "hw2", [pack(full.root / "m.zip", {f"{folder}/hw2.ipynb": notebook("new")} | litter)])
    assert receipt.problems == []
    assert handed_in(full, "s2") == "new"


def test_newer_replaces_older_and_never_the_other_way(full):
    folders = {"submission_1": [CLASS[0]]}

    def export_of(day: int) -> Path:
        members = {"e/submission_metadata.yml": gradescope(folders, WHEN + timedelta(days=day))}
        return pack(full.root / f"{day}.zip", members | {"e/submission_1/hw2.ipynb": notebook(f"day {day}")})

    for days, states in (([1, 2], "replaced"), ([2], "unchanged"), ([0], "kept"), ([3, 1], "kept")):
        for day in days:
            receipt = collect(full, "hw2", [export_of(day)])
        assert receipt.states == {"s1": states}
        assert handed_in(full, "s1") == f"day {max(2, *days)}"
        assert stamp(full, "s1") == f"{WHEN + timedelta(days=max(2, *days)):%Y-%m-%d %H:%M:%S.%f} UTC"


def test_a_later_canvas_archive_counts_and_takes_a_late_mark_away(full):
    def archive(day: int, late: bool) -> Path:
        name = canvas_name(CLASS[0], "hw2.ipynb", day, late)
        return pack(full.root / f"{day}.zip", {name: notebook(f"day {day}")}, {name: datetime(2026, 2, day)})

    collect(full, "hw2", [archive(6, True)])
    with full.gradebook as gradebook:  # as autograde does
        gradebook.add_submission("hw2", "s1", timestamp="2026-02-05 12:00:01 UTC")
    assert stamp(full, "s1") is not None
    assert collect(full, "hw2", [archive(7, False)]).states == {"s1": "replaced"}
    assert (handed_in(full, "s1"), stamp(full, "s1")) == ("day 7", None)
    with full.gradebook as gradebook:
        assert gradebook.find_submission("hw2", "s1").timestamp is None
    assert collect(full, "hw2", [archive(6, True)]).states == {"s1": "kept"}
    assert (handed_in(full, "s1"), stamp(full, "s1")) == ("day 7", None)


@pytest.mark.parametrize("old", [False, True])
def test_killed_at_any_write_it_leaves_the_old_or_the_new_and_mends_itself(full, monkeypatch, old):
    """Stop at each call that changes the disk: what is there is complete, and running again finishes it."""
    folders = {"submission_1": [CLASS[0]]}

    def export_of(day: int) -> Path:
        members = {"e/submission_metadata.yml": gradescope(folders, WHEN + timedelta(days=day))}
        return pack(full.root / f"{day}.zip", members | {"e/submission_1/hw2.ipynb": notebook(f"day {day}" * 99)})

    for stop in range(20):
        shutil.rmtree(full.folder("submitted", "s1", "hw2"), ignore_errors=True)
        if old:
            collect(full, "hw2", [export_of(0)])
        with monkeypatch.context() as patch:
            calls = iter(range(1000))

            def killing(real, calls=calls, stop=stop):
                def call(*args, **kwargs):
                    if next(calls) == stop:
                        raise KeyboardInterrupt
                    return real(*args, **kwargs)

                return call

            for module, name in ((os, "replace"), (os, "fsync"), (os, "utime"), (Path, "mkdir"), (Path, "write_text")):
                patch.setattr(module, name, killing(getattr(module, name)))
            patch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)  # a killed process tidies nothing
            try:
                collect(full, "hw2", [export_of(1)])
                done = True
            except KeyboardInterrupt:
                done = False
        assert handed_in(full, "s1") in (("day 0" * 99 if old else None), "day 1" * 99)
        collect(full, "hw2", [export_of(1)])
        assert handed_in(full, "s1") == "day 1" * 99
        assert stamp(full, "s1") == f"{WHEN + timedelta(days=1):%Y-%m-%d %H:%M:%S.%f} UTC"
        assert not (full.root / "class" / "submitted" / ".collecting" / "hw2").exists()
        if done:
            break
    assert done
    assert stop > 4


def snapshot(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix not in (".db", ".zip") and path.name != ".collecting"}


GOOD = canvas_name(CLASS[0], "hw2.ipynb", 5)


def hostile(path: Path, kind: str) -> None:
    good = notebook("good")
    if kind == "bytes":
        path.write_bytes(random.Random(0).randbytes(5000))
        return
    names = {
        "dots": "../../evil.ipynb",
        "absolute": "/tmp/evil.ipynb",
        "drive": "C:\\evil.ipynb",
        "back": "..\\..\\evil",
    }
    pack(path, {GOOD: good, names.get(kind, "extra_1001_9_x.txt"): b"evil"})
    raw = bytearray(path.read_bytes())
    entry = raw.rfind(b"PK\x01\x02")  # the extra member's central record
    if kind == "link":
        raw[entry + 38 : entry + 42] = struct.pack("<L", (stat.S_IFLNK | 0o777) << 16)
        raw[entry + 5] = 3
    if kind == "pipe":
        raw[entry + 38 : entry + 42] = struct.pack("<L", (stat.S_IFIFO | 0o777) << 16)
        raw[entry + 5] = 3
    if kind == "encrypted":
        raw[entry + 8] |= 1
    if kind == "truncated":
        raw = raw[: len(raw) // 2]
    if kind == "huge list":
        end = raw.rfind(b"PK\x05\x06")
        raw[end + 12 : end + 16] = struct.pack("<L", 0xFFFFFFF0)
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("bytes", "is not a zip file, or is damaged"),
        ("dots", "a path that leads out of the archive (../../evil.ipynb)"),
        ("absolute", "a path that leads out of the archive (/tmp/evil.ipynb)"),
        ("drive", "a path that leads out of the archive"),
        ("back", "a path that leads out of the archive"),
        ("link", "a link or special file"),
        ("pipe", "a link or special file"),
        ("encrypted", "an encrypted member"),
        ("truncated", "is not a zip file, or is damaged"),
        ("huge list", "has more than 20,000 members"),
    ],
)
def test_a_hostile_archive_is_refused_whole_in_one_sentence(full, kind, says):
    path = full.root / "hostile.zip"
    hostile(path, kind)
    before = snapshot(full.root.parent)
    receipt = collect(full, "hw2", [path])
    assert len(receipt.problems) == 1
    assert says in receipt.problems[0]
    assert "nothing of it was collected." in receipt.problems[0]
    assert "\n" not in receipt.problems[0]
    assert snapshot(full.root.parent) == before


def test_too_many_members(full):
    path = pack(full.root / "many.zip", {f"x_1_{n}_a.txt": b"" for n in range(101)})
    with pytest.raises(GradingError, match="more than 100 members"):
        Archive(path, limits=Limits(members=100))


def bomb(path: Path, name: str, size: int, says: int | None = None) -> Path:
    """One good notebook, and zeros that pack a thousandfold; their header may say another size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(GOOD, notebook("good"))
        with archive.open(name, "w") as member:
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))
    if says is not None:
        raw = bytearray(path.read_bytes())
        entry = raw.rfind(b"PK\x01\x02")
        raw[entry + 24 : entry + 28] = struct.pack("<L", says)
        path.write_bytes(bytes(raw))
    return path


@pytest.mark.parametrize("says", [None, 4_000_000_000])
def test_a_bomb_costs_its_student_and_nobody_else(full, says):
    path = bomb(full.root / "bomb.zip", canvas_name(CLASS[1], "hw2.ipynb", 6), 40 << 20, says)
    receipt = collect(full, "hw2", [path])
    assert receipt.states == {"s1": "new"}
    assert len(receipt.problems) == 1
    assert "more than 200 times its size, as a zip bomb does" in receipt.problems[0]
    assert "García" in receipt.problems[0]
    assert handed_in(full, "s2") is None


def test_a_bomb_that_claims_to_be_small_is_not_unpacked_further(full):
    path = bomb(full.root / "bomb.zip", canvas_name(CLASS[1], "hw2.ipynb", 6), 40 << 20, 100)
    receipt = collect(full, "hw2", [path])
    assert "is damaged in bomb.zip" in receipt.problems[0]


def test_large_members_and_large_archives(full):
    noise = random.Random(0).randbytes(300_000)
    path = pack(full.root / "a.zip", {canvas_name(p, "hw2.ipynb", n): noise for n, p in enumerate(CLASS[:3])})
    receipt = collect(full, "hw2", [path], limits=Limits(member_bytes=200_000))
    assert len(receipt.problems) == 3
    assert "ask for it with its outputs cleared" in receipt.problems[0]
    receipt = collect(full, "hw2", [path], limits=Limits(total_bytes=700_000))
    assert len(receipt.states) == 2
    assert "unpacks to more than 0.7 MB; what came after" in receipt.problems[0]


@pytest.mark.slow
def test_memory_stays_bounded_under_a_bomb(tmp_path):
    """A member of 500 MB that would pass every ratio is read in pieces, until the limit of its size."""
    path = bomb(tmp_path / "bomb.zip", "x_1_2_hw2.ipynb", 500 << 20)
    code = f"""
import io, resource
from pathlib import Path
from course.grading.lms.zip_files import *
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
limits = Limits(ratio=1e9, member_bytes=4 * 10**8)
with Archive(Path({str(path)!r}), limits=limits) as archive, open("/dev/null", "wb") as sink:
    try:
        archive.copy(archive.members[1], sink)
    except UnfitMemberError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    said, grown = out.strip().split("\n")
    assert "unpacks to more than 400 MB" in said
    assert int(grown) * (1 if sys.platform == "darwin" else 1024) < 20_000_000


BAD_METADATA = [b"- 1", b"a: [", b"{}", b"a: &x [*x]", b"[" * 100_000, b"\xff\xfe\x00", b"!!python/name:os.system x"]


@pytest.mark.parametrize("metadata", BAD_METADATA)
def test_bad_metadata_is_one_sentence(full, metadata):
    path = pack(full.root / "e.zip", {"e/submission_metadata.yml": metadata, "e/submission_1/hw2.ipynb": notebook("")})
    receipt = collect(full, "hw2", [path])
    assert len(receipt.problems) == 1
    assert "\n" not in receipt.problems[0]
    assert receipt.states == {}


def test_names_in_old_encodings(full):
    name = moodle_folder(CLASS[1].name, 5) + "/hw2.ipynb"
    for encoding in ("utf-8", "cp437"):
        path = full.root / f"{encoding}.zip"
        pack(path, {"x" * len(name.encode(encoding)): notebook(encoding)})
        raw = path.read_bytes().replace(b"x" * len(name.encode(encoding)), name.encode(encoding))
        path.write_bytes(raw)
        shutil.rmtree(full.root / "class" / "submitted", ignore_errors=True)
        if encoding == "cp437":
            with pytest.raises(UnicodeEncodeError):
                name.encode("ascii")
        collect(full, "hw2", [path])
        assert handed_in(full, "s2") == encoding


def test_what_to_do_first(base):
    path = pack(base.root / "a.zip", one_student(["hw2.ipynb"]))
    with pytest.raises(GradingError, match="no assignment 'hw9' in solutions/; there are: hw2"):
        collect(base, "hw9", [path])
    with pytest.raises(GradingError, match="course roster"):
        collect(base, "hw2", [path])
    with pytest.raises(GradingError, match="no time zone 'Mars'"):
        time_zone("Mars")


# Exports


@pytest.fixture
def graded(full) -> CourseFolder:
    """CLASS with scores: s1 late with a penalty, s2 waiting for a person, s3 without a submission."""
    with full.gradebook as gradebook:
        gradebook.add_notebook("hw2", "hw2")
        gradebook.add_grade_cell("test", "hw2", "hw2", max_score=100, cell_type="code")
        for n, one in enumerate(CLASS):
            if one.id == "s3":
                continue
            gradebook.add_submission("hw2", one.id)
            got = gradebook.find_submission_notebook("hw2", "hw2", one.id)
            got.late_submission_penalty = 12.5 if one.id == "s1" else None
            got.grades[0].auto_score, got.grades[0].needs_manual_grade = 80 + n / 8, one.id == "s2"
        gradebook.db.commit()
    return full


EXPECTED = {one.id: 80 + n / 8 for n, one in enumerate(CLASS)} | {"s1": 67.5, "s3": None}
HEADERS = {
    "nbgrader": "assignment,duedate,timestamp,student_id,last_name,first_name,email,"
    "raw_score,late_submission_penalty,score,max_score",
    "canvas": "Student,ID,SIS User ID,SIS Login ID,Section,hw2",
    "moodle": "First name,Last name,ID number,Email address,hw2,hw2 feedback",
    "gradescope": "First Name,Last Name,SID,Email,Total Score,Max Points,Status",
}
SCORE = {"nbgrader": "score", "canvas": "hw2", "moodle": "hw2", "gradescope": "Total Score"}
KEY = {"nbgrader": "student_id", "canvas": "SIS Login ID", "moodle": "ID number", "gradescope": "SID"}


@pytest.mark.parametrize("form", FORMS)
def test_scores_leave_after_penalties_and_open_grading_is_said(graded, form):
    path, warnings = export(graded, "hw2", form, graded.root / "out.csv")
    assert len(warnings) == 1
    assert warnings[0].startswith("1 submission waits for a person to grade answers of hw2")
    text = path.read_text(encoding="utf-8")
    assert text.split("\n")[0] == HEADERS[form]
    rows = {row[KEY[form]]: row for row in csv.DictReader(io.StringIO(text)) if row[KEY[form]]}
    for one in CLASS:
        score = rows[one.id][SCORE[form]]
        assert score == ("" if EXPECTED[one.id] is None and form != "nbgrader" else f"{EXPECTED[one.id] or 0:g}")
    if form == "canvas":
        assert text.split("\n")[1] == "    Points Possible,,,,,100"
        assert rows["s2"]["ID"] == "1002"
    if form == "moodle":
        assert rows["s1"]["hw2 feedback"] == "67.5 of 100 points. 12.5 points were taken off for handing in late."
    if form == "gradescope":
        assert [rows[name]["Status"] for name in ("s1", "s2", "s3")] == ["Graded", "Ungraded", "Missing"]
    assert not [line for line in text.split("\n") if line.startswith(("=", "+", '"=', '"+'))]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in csv.reader(io.StringIO(text)) for cell in row)


@pytest.mark.parametrize("form", ["canvas", "moodle", "gradescope"])
def test_what_was_exported_can_be_imported_as_a_roster_and_changes_nothing(graded, form):
    with graded.gradebook as gradebook:
        before = students(gradebook)
    path, _ = export(graded, "hw2", form, graded.root / "out.csv")
    result = import_roster(graded, path)
    exact = [one for one in before if not (form == "canvas" and "," in one.last_name)]
    assert {one.id for one in exact} <= set(result.unchanged)
    with graded.gradebook as gradebook:
        assert [one for one in students(gradebook) if one in exact] == exact


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_nbgraders_own_command_writes_the_same_file(graded, form):
    mine, _ = export(graded, "hw2", form, graded.root / "mine.csv")
    name = f"course.grading.lms.exports.{FORMS[form].__name__}"
    command = [
        sys.executable,
        "-m",
        "nbgrader",
        "export",
        f"--exporter={name}",
        "--to=theirs.csv",
        "--assignment=['hw2']",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=graded.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 submission waits for a person" in done.stderr
    assert (graded.root / "theirs.csv").read_bytes() == mine.read_bytes()


def test_export_says_what_is_wrong(graded):
    with pytest.raises(GradingError, match="knows no 'hw9', only: hw2"):
        export(graded, "hw9", "canvas")
    with pytest.raises(GradingError, match="no form 'blackboard'; give one of nbgrader, canvas, moodle, gradescope"):
        export(graded, "hw2", "blackboard")
    with pytest.raises(GradingError, match="cannot be written"):
        export(graded, "hw2", "canvas", graded.root / "no" / "such" / "folder.csv")
    collect(graded, "hw2", [pack(graded.root / "a.zip", {canvas_name(CLASS[2], "hw2.ipynb", 4): notebook("")})])
    _, warnings = export(graded, "hw2", "canvas", graded.root / "out.csv")
    assert "collected but not graded, and are exported as not there: s3" in warnings[1]


# The whole way


def test_the_commands(base, monkeypatch):
    monkeypatch.chdir(base.root)
    (base.root / "roster.csv").write_text(ROSTERS["Canvas"], encoding="utf-8")
    run = lambda *words: CliRunner().invoke(app, words)
    result = run("roster", "roster.csv")
    assert (result.exit_code, result.output) == (0, "12 students read (Canvas): 12 added, 0 updated, 0 unchanged.\n")
    pack(base.root / "a.zip", one_student(["hw2.ipynb"]))
    result = run("collect", "hw2", "a.zip")
    assert result.exit_code == 0, result.output
    assert "1 submission: 1 new, 0 replaced, 0 unchanged, 0 kept." in result.output
    assert "No submission yet of 11: " in result.output
    pack(base.root / "b.zip", {"stranger_4_5_hw2.ipynb": b"{}"})
    result = run("collect", "hw2", "a.zip", "b.zip", "--timezone", "UTC")
    assert result.exit_code == 1
    assert "stranger: stranger_4_5_hw2.ipynb is nobody's" in result.output
    result = run("export", "hw2", "--form", "canvas")
    assert result.exit_code == 1
    assert "release it first" in result.output
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_a_late_submission_is_graded_with_nbgraders_penalty_and_exported(base):
    """roster, collect, nbgrader's autograde with a penalty of its own configuration, export."""
    config = base.root / "nbgrader_config.py"
    plugin = """
from nbgrader.plugins import LateSubmissionPlugin

class PointAnHour(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late // 3600

c.AssignLatePenalties.plugin_class = PointAnHour
"""
    config.write_text(config.read_text() + plugin)
    base = CourseFolder(base.root)
    (base.root / "roster.csv").write_text(ROSTERS["nbgrader"], encoding="utf-8")
    import_roster(base, base.root / "roster.csv")
    base.release("hw2")
    with base.gradebook as gradebook:
        gradebook.update_or_create_assignment("hw2", duedate="2026-02-05 12:00:00 UTC")
    released = nbformat.read(base.folder("release", ".", "hw2") / "hw2.ipynb", as_version=4)
    released.cells[0].source = "double = lambda x: x + x"
    members = {"e/submission_metadata.yml": gradescope({"submission_1": [CLASS[0]]})}  # two hours and a half late
    members["e/submission_1/homework (2).ipynb"] = nbformat.writes(released).encode()
    receipt = collect(base, "hw2", [pack(base.root / "e.zip", members)])
    assert receipt.problems == []
    base.autograde("hw2", "s1")
    path, _ = export(base, "hw2", "nbgrader", base.root / "out.csv")
    row = next(row for row in csv.DictReader(path.open()) if row["student_id"] == "s1")
    assert (row["raw_score"], row["late_submission_penalty"], row["score"]) == ("10", "2", "8")
    assert row["timestamp"] == "2026-02-05 14:30:06"
