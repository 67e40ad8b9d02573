"""What no executed cell of a notebook should show."""

from nbformat import NotebookNode


def trouble(cell: NotebookNode) -> list[str]:
    """Errors (claims that do not hold among them), anything on stderr, and the value of a last line above a figure."""
    found = []
    outputs = cell.get("outputs", [])
    for output in outputs:
        if output.output_type == "error":
            found.append(f"{cell.id}: {output.ename}: {output.evalue}")
        elif output.get("name") == "stderr":
            found.append(f"{cell.id}: on stderr: {output.text}")
        elif output.output_type == "execute_result" and any("image/png" in o.get("data", {}) for o in outputs):
            found.append(f"{cell.id}: above the figure: {output.data['text/plain']}; end the cell with a semicolon")
    return found
