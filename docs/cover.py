"""Draw the pictures of the front pages, the README's by its own lines: ``python docs/cover.py``."""

import os
import re
from pathlib import Path

import torch

from course import plots
from course.densities import GaussianMixture
from course.langevin import langevin_chain

HERE = Path(__file__).parent

weights, means = torch.tensor([0.2, 0.3, 0.5]), torch.tensor([[-1.5, -1.0], [1.5, -1.0], [0.0, 1.6]])
p = GaussianMixture(weights, means, torch.tensor([0.5, 0.5, 0.6]))
generator = torch.Generator().manual_seed(4)
start = 3 * torch.randn(300, 2, generator=generator)
uphill = start.clone()
for _ in range(300):
    uphill = uphill + 0.02 * p.score(uphill)
path = langevin_chain(start, p.score, 0.02, 300, generator)

figure, axes = plots.figure(3)
plots.arrows(plots.density(axes[0], p.log_prob, 4), p.score, 4).set_title("a density and its score")
plots.points(plots.density(axes[1], p.log_prob, 4), uphill, size=24).set_title("300 walks along the score")
plots.points(plots.density(axes[2], p.log_prob, 4), path[-1]).set_title("300 Langevin chains")
figure.savefig(HERE / "cover.png", dpi=90)

os.chdir(HERE)
exec(re.findall(r"```python\n(.*?)```", (HERE.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0])
