"""The networks that ship, by name: ``load`` returns one ready to use, ``about`` what its checkpoint records."""

import json
from pathlib import Path
from typing import Any

from course.pretrained import digits, films, forensics, memory, scenes, solids
from course.pretrained.recipe import Recipe

FOLDER = Path(__file__).parents[1] / "checkpoints"
RECIPES: dict[str, Recipe] = {
    **digits.RECIPES,
    **films.RECIPES,
    **forensics.RECIPES,
    **memory.RECIPES,
    **solids.RECIPES,
    **scenes.RECIPES,
}

UNTRAINED: tuple[str, ...] = ()
"""Recipes whose networks do not ship yet."""


def load(name: str) -> Any:
    """A network that ships, ready to use, in float32 on the CPU.

    Raises:
        ValueError: if there is none of that name, or its checkpoint is damaged.
        FileNotFoundError: if its checkpoint is not there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = recipe(name).network()
    file = FOLDER / f"{name}.safetensors"
    if not file.is_file():
        raise FileNotFoundError(f"The checkpoint {file.name} is not there; `course train {name}` makes it.")
    try:
        model.load_state_dict({key: value.float() for key, value in load_file(file).items()})
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"The checkpoint {file} is damaged or of another network ({str(error).splitlines()[0]}); install the "
            f"package again, or make it with `course train {name}`."
        ) from None
    return model.requires_grad_(False).eval()


def about(name: str) -> dict[str, Any]:
    """What the checkpoint records: settings, seconds and quality."""
    from safetensors import safe_open

    recipe(name)
    with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
        return json.loads(file.metadata()["recipe"])


def recipe(name: str) -> Recipe:
    """The recipe of that name, or a ValueError that lists them."""
    if name not in RECIPES:
        raise ValueError(f"There is no network {name!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[name]
