"""`course return`: a class's feedback in one zip file, named as each platform needs it to hand it on.

Moodle reads whose a file is from ``Full Name_number_assignfeedback_file_/hw2.html``
(mod/assign/feedback/file/importziplib.php in moodle/moodle). Canvas wants the names of its own zip file: it finds user
and submission by the two numbers in them, and shows a student the answer under the name of what was handed in
(``infer_comment_context_from_filename`` in instructure/canvas-lms), so what goes back is a notebook, not a page.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import nbformat
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import ClearHiddenTests

from course.files import replacing
from course.grading.course_folder import CourseFolder, GradingError, quiet_database
from course.grading.lms.archives import CANVAS, moodle_part
from course.grading.lms.collect import RECEIVED_AS
from course.grading.lms.csv_tables import shown

FORMS = ("canvas", "moodle", "pages")


@dataclass
class Returned:
    """What was written.

    Args:
        path: the zip file.
        students: whose feedback is in it.
        left_out: whose is not, and why.
    """

    path: Path
    students: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def give_back(base: CourseFolder, assignment: str, form: str, to: Path | None = None) -> Returned:
    """Write the feedback on all that is graded, as it stands in the gradebook now.

    Args:
        base: the class.
        assignment: such as hw2.
        form: canvas, moodle, or pages (``STUDENT.html``, for everything else).
        to: the file; ``ASSIGNMENT-feedback-FORM.zip`` here if not given.

    Raises:
        GradingError: if the form is unknown, nothing is graded, nobody can be reached, or the file cannot be written.
    """
    if form not in FORMS:
        raise GradingError(f"There is no form '{shown(form)}'; give one of {', '.join(FORMS)}.")
    graded = sorted(score.student for score in base.scores(assignment))
    if not graded:
        raise GradingError(f"No submission of {assignment} has been graded yet; run `course grade {assignment}`.")
    to = to or Path(f"{assignment}-feedback-{form}.zip")
    if not to.parent.is_dir():
        raise GradingError(f"{to} cannot be written (there is no folder {to.parent}); name another file with --to.")
    names, returned = {}, Returned(to)
    for student in graded:
        if not (base.folder("autograded", student, assignment) / f"{assignment}.ipynb").is_file():
            returned.left_out[student] = "the graded notebook is not there; grade again with --force"
        elif name := _name(base, assignment, student, form):
            names[student] = name
        else:
            returned.left_out[student] = f"not collected from {form.capitalize()}; see --form pages"
    if not names:
        told = "; ".join(sorted(set(returned.left_out.values())))
        raise GradingError(f"There is no feedback on {assignment} to return with --form {form}: {told}.")
    returned.students = list(names)
    if form != "canvas":
        base.return_feedback(assignment)
    try:
        with replacing(to) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for student, member in names.items():
                archive.writestr(member, _content(base, assignment, student, form))
    except OSError as error:
        raise GradingError(f"{to} cannot be written ({error.strerror}); name another file with --to.") from None
    return returned


def _name(base: CourseFolder, assignment: str, student: str, form: str) -> str | None:
    """What the platform calls a student's feedback; None where it was not collected from there."""
    if form == "pages":
        return f"{student}.html"
    try:
        text = (base.folder("submitted", student, assignment) / RECEIVED_AS).read_text(encoding="utf-8")
    except OSError:
        return None
    received = PurePosixPath(text.rstrip("\n"))
    part = moodle_part(received)
    if form == "moodle":
        return f"{part[0]}_{part[1]}_assignfeedback_file_/{assignment}.html" if part else None
    return received.name if not part and CANVAS.search(received.name) else None


def _content(base: CourseFolder, assignment: str, student: str, form: str) -> str:
    if form == "canvas":
        return feedback_notebook(base, assignment, student)
    return (base.folder("feedback", student, assignment) / f"{assignment}.html").read_text(encoding="utf-8")


def feedback_notebook(base: CourseFolder, assignment: str, student: str) -> str:
    """The graded notebook with its checks' sentences, the score above it, and a person's words below the answers."""
    notebook = nbformat.read(base.folder("autograded", student, assignment) / f"{assignment}.ipynb", as_version=4)
    ClearHiddenTests().preprocess(notebook, {})
    with base.gradebook as gradebook, quiet_database():
        title, words = _written(gradebook, assignment, student)
    cells = [new_markdown_cell(title, id="score")]
    for n, cell in enumerate(notebook.cells):
        cells.append(cell)
        said = words.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if said:
            cells.append(new_markdown_cell(said, id=f"feedback-{n}"))
    notebook.cells = cells
    return nbformat.writes(notebook)


def _written(gradebook: Gradebook, assignment: str, student: str) -> tuple[str, dict[str, str]]:
    """The line on top, and by grade id what a person gave and wrote."""
    try:
        found = gradebook.find_submission_notebook(assignment, assignment, student)
    except MissingEntry:
        raise GradingError(f"{student} is not in the gradebook with {assignment}; grade it again.") from None
    penalty = found.late_submission_penalty or 0.0
    late = f", {penalty:g} points taken off for handing in late" if penalty else ""
    title = f"**{assignment}: {max(0.0, found.score - penalty):g} of {found.max_score:g} points**{late}"
    by_hand = {one.name: one for one in found.grades if one.manual_score is not None}
    comments = {one.name: one.comment for one in found.comments if one.comment}
    words = {}
    for name in {*by_hand, *comments}:
        points = f"**{by_hand[name].score:g} of {by_hand[name].max_score:g} points.** " if name in by_hand else ""
        words[name] = f"{points}{comments.get(name, '')}"
    return title, words
