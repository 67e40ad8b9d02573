"""The website that ``make site`` builds with Sphinx from all of this repository, with nothing loaded from elsewhere."""

import hashlib
import re
import shutil
import sys
from importlib.metadata import files
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

project = "Score-based generative modelling"
copyright = "the course's authors; MIT licence"
napoleon_use_ivar = True  # else an attribute that is also declared is described twice
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_codeautolink",
    "sphinx_copybutton",
]
root_doc = "README"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/library/*.rst",
    "benchmarks/*.md",
    "course/data/*.md",
    "lectures/*.ipynb",
    "assignments/*/*.ipynb",
]
exclude_patterns = ["**/.ipynb_checkpoints"]
nitpicky = True
nitpick_ignore_regex = [("py:(class|obj)", ".*")]

html_theme = "furo"
html_title = project
html_static_path = [str(f.locate()) for f in files("sphinx-mathjax-offline") if f.name == "tex-svg-full.js"]
html_copy_source = False
mathjax_path = "tex-svg-full.js"  # pictures of letters, in one file: browsers refuse fonts beside a page on a disk
mathjax3_config = {"svg": {"mtextInheritFont": True}}

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_excludepatterns = ["assignments/*/*"]
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_ipywidgets_js = {}  # no kernel answers here: of a widget stays the picture beside it
nb_merge_streams = True
nb_render_markdown_format = "myst"
_runs = [path for kind in ("py", "safetensors", "npz") for path in sorted(ROOT.glob(f"course/**/*.{kind}"))]
_state = b"".join(
    path.read_bytes() for path in _runs if path.relative_to(ROOT).parts[1] not in ("exercises", "grading")
)
nb_execution_cache_path = str(ROOT / "build" / "executed" / hashlib.sha256(_state).hexdigest()[:12])

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as in the source: no addresses of functions
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
codeautolink_concat_default = True
codeautolink_autodoc_inject = False

CONTENTS = """
```{toctree}
:caption: Lectures
:glob:
:maxdepth: 1
/lectures/*
```
```{toctree}
:caption: Assignments
:glob:
:maxdepth: 1
/assignments/*/*
```
```{toctree}
:caption: The library
:glob:
:maxdepth: 1
/docs/library/*
```
```{toctree}
:caption: Pages
:glob:
:maxdepth: 1
/docs/syllabus
/docs/student
/docs/instructor
/docs/learning-platforms
/CONTRIBUTING
/docs/[A-Z]*
/benchmarks/*
/course/data/*
```
"""


def add_contents(app, docname, source):
    """The front page is the README, with what there is after its first section."""
    if docname == root_doc:
        source[0] = source[0].replace("\n## ", f"\n{CONTENTS}\n## ", 1)


def leave_stars(app, what, name, obj, options, lines):
    """Shapes such as (B, *D) are no emphasis."""
    lines[:] = [re.sub(r"``.*?``|(?<![\w*\\])\*(?=[A-Z]\b)", _escaped, line) for line in lines]


def _escaped(found):
    return found[0] if found[0].startswith("``") else r"\*"


def name_functions(app, what, name, obj, options, signature, returned):
    """A data class's defaults have no source to be shown: functions go by their names."""
    return re.sub(r"<(?:function|class) '?(?:[\w.]*\.)?(\w+)[^>]*>", r"\1", signature or "") or None, returned


class LinkMentions(SphinxTransform):
    """Where a text says "lecture 3" or "hw2", it leads there."""

    default_priority = 500
    left_alone = (nodes.title, nodes.reference, nodes.literal, nodes.math, nodes.raw, addnodes.pending_xref)

    def apply(self):
        pages = {page.split("_")[0].replace("lectures/", "lecture "): page for page in self.env.found_docs}
        pages |= {page.split("/")[1]: page for page in self.env.found_docs if page.startswith("assignments/")}
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, self.left_alone):
                continue
            parts = [nodes.Text(part) for part in re.split(r"(\b[Ll]ecture \d+|\bhw\d+)\b", text)]
            for i, part in enumerate(parts):
                key = re.sub(r" (\d)$", r" 0\1", part.lower())
                if i % 2 and pages.get(key, self.env.docname) != self.env.docname:
                    to = {"refdomain": "std", "reftype": "doc", "reftarget": "/" + pages[key], "refexplicit": True}
                    parts[i] = addnodes.pending_xref("", nodes.inline("", part), refdoc=self.env.docname, **to)
            text.parent.replace(text, parts)


def add_index(app, error):
    """The front page under the name that web servers look for."""
    if not error:
        shutil.copy(app.outdir / "README.html", app.outdir / "index.html")


def setup(app):
    app.connect("source-read", add_contents)
    app.connect("autodoc-process-docstring", leave_stars)
    app.connect("autodoc-process-signature", name_functions)
    app.add_transform(LinkMentions)
    app.connect("build-finished", add_index)
