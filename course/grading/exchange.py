"""nbgrader's exchange, where not everybody's work came through it.

``nbgrader release_feedback`` finds a student's page by a secret that ``nbgrader submit`` made. Work that came otherwise
(by e-mail, by ``course collect``) has none, and nbgrader stops there with a traceback, before the others.
``ReleaseFeedback`` leaves it out with a warning; ``nbgrader_config.py`` names it.
"""

from collections.abc import Iterator
from pathlib import Path

from nbgrader.exchange.default import ExchangeReleaseFeedback

NEEDED = ("timestamp.txt", "submission_secret.txt")


class ReleaseFeedback(ExchangeReleaseFeedback):  # type: ignore[misc]
    """nbgrader's own, for those who handed in through the exchange."""

    def copy_files(self) -> None:
        """Release the pages of everyone but those whom the exchange cannot reach, who are named in the log."""
        others = list(self._unreachable())
        for student, folder in others:
            self.log.warning(
                "%s did not hand in through the exchange, so no page is released there; hand out what is in %s, "
                "or use `course return`.",
                student,
                folder,
            )
        before = self.coursedir.student_id_exclude  # formgrader keeps this object
        self.coursedir.student_id_exclude = ",".join([*filter(None, [before]), *(student for student, _ in others)])
        try:
            super().copy_files()
        finally:
            self.coursedir.student_id_exclude = before

    def _unreachable(self) -> Iterator[tuple[str, Path]]:
        """Students with feedback, and without what the exchange knows them by; and the folder of their pages."""
        every = Path(
            self.coursedir.format_path(self.coursedir.feedback_directory, "*", self.coursedir.assignment_id)
        ).parts
        before, after = Path(*every[: every.index("*")]), every[every.index("*") + 1 :]
        for place in sorted(before.glob("*")):
            folder = place.joinpath(*after)
            wanted = self.coursedir.student_id in ("*", "", place.name)
            if wanted and any(folder.glob("*.html")) and not all((folder / name).is_file() for name in NEEDED):
                yield place.name, folder
