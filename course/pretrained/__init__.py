"""Small networks that ship with the course, each with the recipe that made it: ``course train NAME`` makes it again.

A checkpoint is a safetensors file in half precision whose header keeps the recipe's settings and what was measured of
the result. Recipes are in ``digits`` and its neighbours, ``loading`` reads checkpoints, ``making`` writes them.
"""

from course.pretrained.loading import FOLDER, RECIPES, UNTRAINED, about, load, recipe
from course.pretrained.making import TRIALS, make
from course.pretrained.recipe import CLASSES, SIZE, Recipe

__all__ = ["CLASSES", "FOLDER", "RECIPES", "SIZE", "TRIALS", "UNTRAINED", "Recipe", "about", "load", "make", "recipe"]
