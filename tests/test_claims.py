"""Every sentence that a number or a picture could refute has its check, and the checks can fail."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course import claims
from tools.claims import NOTEBOOKS, Sentence, is_claim, listed, lost, meddling, run, sentences, split, with_networks


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def test_every_claim_is_guarded(notebook):
    assert [(row.cell, row.text) for row in listed(notebook) if not row.guards] == []
    assert lost(notebook) == []


def test_readers_need_not_see_the_checks(notebook):
    """Folded in JupyterLab, absent from slides and the site; a claim that fails stops nobody's lecture."""
    for cell in notebook.cells:
        calls = cell.cell_type == "code" and ("\nclaim(" in f"\n{cell.source}" or "\nopinion(" in f"\n{cell.source}")
        assert is_claim(cell) == calls, cell.id
        if calls:
            assert {"remove-cell", "raises-exception", "not-graded"} <= set(cell.metadata.tags), cell.id
            assert cell.metadata.jupyter.source_hidden
            assert cell.metadata.slideshow.slide_type == "skip"


def test_nothing_that_readers_see_depends_on_the_checks(notebook):
    """Claims are absent from a student's notebook: what they compute is used by other claims only."""
    assert meddling(notebook) == []


def test_a_claim_that_does_not_hold_raises(monkeypatch):
    monkeypatch.setattr(claims, "outcomes", [])
    claims.claim("true", True)
    with pytest.raises(claims.ClaimError, match="“false” does not hold here: 1 < 2"):
        claims.claim("false", False, "1 < 2")
    assert [outcome.holds for outcome in claims.outcomes] == [True, False]


TEXT = """**Notice.** It falls by 0.5 %, e.g. here. Does it? Then $x. Y$ rises!

So **all that is known is here**.

*Figure: a line. Another.*"""


def test_sentences_are_found_whole():
    found = sentences(new_notebook(cells=[new_markdown_cell(TEXT)]))
    assert [(s.kind, s.text) for s in found] == [
        ("notice", "It falls by 0.5 %, e.g. here."),
        ("notice", "Then $x. Y$ rises!"),
        ("notice", "So **all that is known is here**."),
        ("caption", "a line."),
        ("caption", "Another.*"),
    ]
    assert split("Song et al. show it. S. Ermon too.") == ["Song et al. show it.", "S. Ermon too."]


def test_a_sentence_and_its_check_cannot_part():
    code = 'claim("falls by", loss < 1)\nopinion("rises")'
    guard = new_code_cell(code, metadata={"tags": ["claim"]})
    shown = new_code_cell('display(Markdown(f"**Notice.** It {verb} in {n} heads."))')
    together = new_notebook(
        cells=[new_markdown_cell("**Notice.** It falls by half. It rises. It stays."), guard, shown]
    )
    assert [row.guards for row in listed(together)] == [["loss < 1"], ["opinion"], [], []]
    apart = new_notebook(cells=[new_markdown_cell("**Notice.** It fell by half. It rises, it rises."), guard])
    assert [lost_one.quote for lost_one in lost(apart)] == ["falls by", "rises"]
    assert all(isinstance(row, Sentence) for row in listed(apart))


@pytest.mark.slow
def test_another_seed_and_another_network_are_seen(tmp_path):
    """Seeds shift in the notebook and in the library; what does not hold is collected, not raised."""
    (tmp_path / "networks").mkdir()
    lines = ["import torch", "from course import pretrained", "from course.claims import claim"]
    lines += ["x = torch.randn(1, generator=torch.Generator().manual_seed(0))"]
    lines += ["claim('of seed 0', (x - 1.541).abs() < 0.001, x.item())", "claim('is there', pretrained.about('edm'))"]
    notebook = new_notebook(cells=[new_code_cell("\n".join(lines))])
    checkpoints = with_networks(None, tmp_path / "networks")
    own, other = (run(nbformat.from_dict(notebook), seed, checkpoints) for seed in (0, 1))
    assert [outcome["holds"] for outcome in own.outcomes] == [True, True]
    assert [outcome["quote"] for outcome in other.failed] == ["of seed 0"]
    (Path(checkpoints) / "edm.safetensors").unlink()
    assert "edm" in run(nbformat.from_dict(notebook), 0, checkpoints).error
