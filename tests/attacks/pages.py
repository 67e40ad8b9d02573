"""What a feedback page or formgrader's page would do in a browser, found without one."""

import copy
import os
from pathlib import Path

import nbgrader.server_extensions.formgrader as formgrader
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter

from course.grading.course_folder import CourseFolder

ACTIVE = ["script", "style", "link", "meta", "base", "iframe", "frame", "object", "embed", "applet", "form", "input"]
ACTIVE += ["button", "textarea", "svg", "math", "template", "portal", "audio", "video"]
WHOLE = ["html", "head", "body", "title"]
ADDRESSES = ("href", "src", "action", "formaction", "data", "srcdoc", "xlink:href", "poster", "background", "srcset")


def feedback(base: CourseFolder, student: str) -> str:
    """nbgrader's feedback page."""
    [page] = base.return_feedback("hw2", student)
    return page.read_text()


def formgrade(base: CourseFolder, student: str) -> str:
    """The page on which a person grades in formgrader, made as its server makes it."""
    config = copy.deepcopy(base.config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [os.path.join(os.path.dirname(formgrader.__file__), "templates")]
    names = dict.fromkeys(["submission_id", "base_url", "student", "last_name", "first_name", "notebook_path"], "x")
    resources = {**names, "assignment_id": "hw2", "notebook_id": "hw2", "index": 0, "total": 1}
    path = Path(base.folder("autograded", student, "hw2")) / "hw2.ipynb"
    page, _ = HTMLExporter(config=config).from_filename(str(path), resources=resources)
    return page


def live(page: str) -> list[str]:
    """Every part of a page that acts: elements, handlers, and addresses that are no plain link or picture."""
    found = []
    for element in BeautifulSoup(page, "html.parser").find_all(True):
        if element.name in ACTIVE or element.name in WHOLE:
            found.append(element.name if element.name in WHOLE else str(element))
        for name, value in element.attrs.items():
            address = "".join(str(value).split()).lower()
            plain = address.startswith(("http:", "https:", "#", "x/", "data:image/png", "data:image/jpeg"))
            leads_away = name.lower() in ADDRESSES and ":" in address and not plain
            if leads_away or name.lower().startswith("on"):
                found.append(f"{element.name} {name}={value}")
    return found
