"""nbgrader's configuration: run every nbgrader command from this folder.

What an instructor writes is in ``solutions/``, what students get in ``assignments/``, and everything about one class in
``class/``, which is never committed.
"""

from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor, TagRemovePreprocessor
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import ClearHiddenTests, GetGrades

from course.grading.exchange import ReleaseFeedback
from course.grading.release import find_own_programs, keep_until_replaced
from course.grading.submission.rebuild import Rebuild

Path(__file__).with_name("class").mkdir(exist_ok=True)
find_own_programs()
keep_until_replaced()

c = get_config()  # noqa: F821, nbgrader provides it

c.CourseDirectory.course_id = "score-course"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "class/submitted"
c.CourseDirectory.autograded_directory = "class/autograded"
c.CourseDirectory.feedback_directory = "class/feedback"
c.CourseDirectory.solution_directory = "class/solution"
c.CourseDirectory.source_with_tests_directory = "class/source_with_tests"
c.CourseDirectory.db_url = "sqlite:///class/gradebook.db"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "class"]

c.ZipCollectApp.downloaded_directory = "class/downloaded"

# What stands in a student's notebook where the solution was.
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# Cells that hold the text's claims against the solution stay with the instructor.
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"claim"}
c.GenerateAssignment.preprocessors = [TagRemovePreprocessor, *GenerateAssignment.preprocessors.default()]

# What runs is the instructor's notebook, with the text of the student's answers in it.
c.Autograde.sanitize_preprocessors = [Rebuild, *Autograde.sanitize_preprocessors.default()]

# Cells that only train or draw carry this tag; grading does not run them.
c.ExecutePreprocessor.skip_cells_with_tag = "not-graded"
c.Execute.skip_cells_with_tag = "not-graded"
c.Execute.timeout = 60
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.log_level=ERROR"]

# Feedback shows what a check said, not the hidden test behind it.
c.GenerateFeedback.preprocessors = [GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor]

# Work that did not come through nbgrader's exchange is left out there with a warning.
c.ExchangeFactory.release_feedback = ReleaseFeedback

# Nothing that a student wrote or displayed runs in a feedback page or in formgrader.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "course.grading.submission.sanitize.markdown2html",
    "clean_html": "course.grading.submission.sanitize.clean_html",
}

c.DataTypeFilter.display_data_priority = [
    "text/html",
    "text/markdown",
    "text/latex",
    "image/png",
    "image/jpeg",
    "text/plain",
]
