"""In the kernel: call the student's function on cases that come as text, and publish what it did as text."""

import base64
from typing import Any

from IPython.display import publish_display_data

from course.exercises.check import NotDefined
from course.exercises.messages import pack_observations, unpack_cases
from course.exercises.observation import Facts, Observation, Raised
from course.exercises.observe import observe_all
from course.exercises.words import article

OBSERVED_MIME = "application/vnd.score-course.observed"


def publish_observations(name: str, namespace: dict[str, Any], cases: str) -> None:
    """Observe the function of a name on packed cases, and publish the packed observations."""
    function = namespace.get(name)
    if callable(function) and not isinstance(function, NotDefined):
        seen = observe_all(function, unpack_cases(base64.b64decode(cases)))
    else:
        text = function.explain() if isinstance(function, NotDefined) else _not_a_function(name, function)
        seen = [Observation(facts=Facts(raised=Raised("NotImplementedError", text)))]
    packed = base64.b64encode(pack_observations(seen)).decode()
    publish_display_data({OBSERVED_MIME: packed}, metadata={})


def _not_a_function(name: str, value: Any) -> str:
    if value is None:
        return f"there is no function `{name}` yet: define it and run its cell."
    return f"`{name}` is {article(type(value).__name__)}, not a function; was the name used for something else?"
