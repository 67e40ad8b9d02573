"""Imports run one way: mathematics knows nothing of exercises, exercises nothing of grading."""

from tools.structure import TARGET, cycles, direct, rooms, rows


def test_rooms_import_only_what_is_below_them():
    """But for one pair: recipes are of applications, and applications load what ships."""
    assert cycles(rooms()) == [["applications", "pretrained"]]


def test_mathematics_exercises_and_grading_lie_on_top_of_one_another():
    graph = rooms()
    height = {room: y for y, row in enumerate(rows(graph)) for room in row}
    below, above = ("sampling", "likelihood", "guidance", "networks"), ("grading.sandboxed", "grading.kernel")
    assert max(height[room] for room in below) < height["exercises"] < min(height[room] for room in above)
    assert height["grading.kernel"] < height["grading.submission"] < height["grading"] < height["cli"]
    for room in below:
        assert not graph[room] & {"exercises", "grading", "plots", "widgets", "cli"}


def test_a_cycle_would_be_found():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert rows({"a": {"b"}, "b": set(), "c": {"a"}}) == [["b"], ["a"], ["c"]]


def test_an_arrow_that_a_chain_implies_is_left_out():
    assert direct({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert direct({"a": {"b"}, "b": {"a"}}) == {"a": {"b"}, "b": {"a"}}


def test_the_drawing_in_the_docs_has_every_room():
    drawn = TARGET.read_text(encoding="utf-8")
    assert [room for room in rooms() if f">{room}</text>" not in drawn] == []
