"""Scripts for those who read what was graded."""

# ruff: noqa: E501

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from .attack import ALL, POINTS, edited

SCRIPTS = """Prose. <script>alert("live")</script> <img src=x onerror='alert(1)'> <svg onload='alert(1)'><script>alert(1)</script></svg>
<a href="javascript:alert('live')">a</a> [b](javascript:alert('live')) ![c](javascript:alert('live')) <iframe src="data:text/html,x">
</iframe> <style>* {display: none}</style> <form action="http://evil"><input name=x></form> <object data="x"></object>
<details open ontoggle='alert(1)'> <math><mtext></mtext></math> <b onmouseover="alert('live')">b</b> <base href="//evil">
<meta http-equiv="refresh" content="0;url=http://evil"> <a href="&#106;avascript:alert('live')">d</a> ![e](attachment:e.png)

# A heading <img src=x onerror='alert(1)'>

```html
<script>alert("only text")</script>
```

$x < y$, and $$\\text{<script>alert("live")</script>}$$
"""

SHOWS = """
from IPython.display import HTML, SVG, Javascript, Markdown
for kind in (HTML, Javascript, Markdown): display(kind('<script>alert("live")</script><img src=x onerror="alert(1)">'))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert("live")</script></svg>'))
print('<script>alert("live")</script>', "\\x1b[31m<img src=x onerror=alert('live')>\\x1b[0m")
"""


def _scripts(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name == "in-your-own-words":
            cell.source = SCRIPTS
            cell.attachments = {
                "e.png": {"image/png": 'x" onerror="alert(1)', "image/svg+xml": "<svg onload=alert(1)>"},
                '"><script>alert("live")</script>': {"image/png": "x"},
            }
        elif name == "log_partition":
            cell.source = f"{SHOWS}\n{cell.source}"
        elif name == "start_negatives":
            cell.source = (
                "def start_negatives(*_):\n    raise ValueError('<script>alert(\"live\")</script>')\n"
                "raise RuntimeError('<img src=x onerror=alert(\"live\")>')"
            )


def _helpers(notebook: NotebookNode) -> None:
    script = '<script>alert("live")</script>'
    notebook.cells[6:6] = [new_markdown_cell(SCRIPTS), new_code_cell(f"{script!r}", metadata={"name": script})]
    notebook.metadata["title"] = notebook.metadata["authors"] = script
    notebook.metadata["language_info"] = {"name": script, "pygments_lexer": script}


MARKUP = [
    edited(
        "scripts",
        "scripts for those who read",
        "scripts in Markdown, attachments, outputs and errors, for the feedback page and formgrader",
        _scripts,
        deserves=ALL - POINTS["start_negatives"],
        told="raised ValueError",
        pages=True,
    ),
    edited(
        "scripts-between",
        "scripts for those who read",
        "scripts in cells and metadata of the student's own",
        _helpers,
        deserves=ALL,
        pages=True,
    ),
]
