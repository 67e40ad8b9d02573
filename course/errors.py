"""What all errors of this package have in common, besides the built-in ValueError and TypeError of the mathematics."""


class CourseError(Exception):
    """Something that a user or a student can mend; the message is one sentence that says how."""
