"""Hostile submissions, and honest accidents, all made from hw2's released notebook; what each deserves is stated here.

``python -m tests.attacks`` grades them for real and writes docs/ATTACKS.md; ``tests/test_attacks.py`` asserts the same.
"""

from .accidents import ACCIDENTS
from .bombs import BOMBS
from .breakout import BREAKOUTS
from .broken import BROKEN
from .exits import EXITS
from .files import FILES
from .forgery import FORGERIES
from .inside import INSIDE
from .looks import LIBRARY, LOOKS
from .privileges import PRIVILEGES
from .scripts import MARKUP

ATTACKS = [*INSIDE, *EXITS, *LOOKS, *LIBRARY, *FORGERIES]
ATTACKS += [*BREAKOUTS, *PRIVILEGES, *BOMBS]
ATTACKS += [*FILES, *BROKEN, *MARKUP, *ACCIDENTS]
