"""Every application beside its control: the numbers of ``applications_*``, over three seeds of sampling.

``QUICK=1`` takes smaller samples, for a look.
"""

import os
from importlib import import_module

from benchmarks.report import table
from course.pretrained import UNTRAINED

PARTS = {
    "text_to_image": ("text_to_image", "text_to_image_vector"),
    "edges": ("text_to_image", "edges"),
    "video": ("video",),
    "solids": (),
    "memory": ("private",),
    "forensics": (),
}
"""Modules ``applications_*``, and the networks that they cannot do without."""


def run() -> str:
    quick, parts = bool(os.environ.get("QUICK")), []
    for name, needed in PARTS.items():
        if missing := [network for network in needed if network in UNTRAINED]:
            parts.append(f"### {name}\n\nNot measured: {', '.join(missing)} is not trained yet.")
            continue
        rows = [list(row) for row in import_module(f"benchmarks.applications_{name}").rows(quick)]
        parts.append(f"### {name}\n\n" + table(["", "ours", "control"], rows))
    return "\n\n".join(parts)
