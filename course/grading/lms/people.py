"""Who is meant: a class's students, found by whatever a learning platform calls them."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from nbgrader.api import Gradebook


@dataclass(frozen=True)
class Person:
    """A student as nbgrader's gradebook knows them; an empty field is one that nobody told."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def name(self) -> str:
        """First and last name, or the id where there is neither."""
        return f"{self.first_name} {self.last_name}".strip() or self.id


def students(gradebook: Gradebook) -> list[Person]:
    """Everyone in an open gradebook, in its order (by last name)."""
    return [
        Person(one.id, one.first_name or "", one.last_name or "", one.email or "", one.lms_user_id or "")
        for one in gradebook.students
    ]


def letters(name: str, accents: bool = True) -> str:
    """What is left of a name when case, spaces and punctuation, and on request accents, do not count.

    Canvas strips names to letters, Moodle replaces characters that file systems forbid, and Macs write accents apart:
    two spellings of one name agree here.
    """
    form = unicodedata.normalize("NFKC" if accents else "NFKD", name).casefold()
    form = unicodedata.normalize("NFKC" if accents else "NFKD", form)
    return "".join(letter for letter in form if letter.isalnum())


class PeopleIndex:
    """A class's students by id, platform id, e-mail address and name.

    Args:
        people: the students.
    """

    def __init__(self, people: Iterable[Person]):
        self.people = list(people)
        self._by: dict[tuple[str, str], list[Person]] = defaultdict(list)
        for one in self.people:
            for field, value in (("id", one.id), ("email", one.email), ("lms", one.lms_user_id)):
                if value:
                    self._by[field, value.casefold()].append(one)
            for accents in (True, False):
                for order in ({one.first_name + one.last_name, one.last_name + one.first_name}) - {""}:
                    self._by[f"name {accents}", letters(order, accents)].append(one)

    def by_id(self, value: str) -> Person | None:
        """The student whose id in the gradebook this is, whatever its case."""
        return self._only("id", value.casefold())

    def by_lms_id(self, value: str) -> Person | None:
        """The student whom the platform knows by this number."""
        return self._only("lms", value.casefold())

    def by_email(self, value: str) -> Person | None:
        """The one student with this e-mail address, whatever its case."""
        return self._only("email", value.casefold())

    def by_name(self, name: str) -> list[Person]:
        """Everyone of this name, in either order; accents do not count where nobody has them so."""
        for accents in (True, False):
            key = letters(name, accents)
            if key and self._by.get((f"name {accents}", key)):
                return self._by[f"name {accents}", key]
        return []

    def _only(self, field: str, value: str) -> Person | None:
        found = self._by.get((field, value.strip()), [])
        return found[0] if len(found) == 1 else None
