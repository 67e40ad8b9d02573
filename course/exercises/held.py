"""How many numbers a call holds in its tensors at once, at most."""

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Held(TorchDispatchMode):
    """Watches what is computed inside ``with``; ``most`` is the largest sum of the sizes of all tensors then alive.

    Memory that several tensors share counts once, so that a broadcast view of few numbers is few.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._now = 0
        self._tensors: Counter[int] = Counter()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Without it, torch's compiler is imported at the first call, which takes seconds."""
        return False

    def __torch_dispatch__(self, func: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = func(*args, **(kwargs or {}))
        for t in tree_leaves(results):
            if isinstance(t, Tensor):
                self._hold(t)
        return results

    def _hold(self, t: Tensor) -> None:
        storage = t.untyped_storage()
        place, numbers = storage.data_ptr(), storage.nbytes() // t.element_size()
        if not self._tensors[place]:
            self._now += numbers
            self.most = max(self.most, self._now)
        self._tensors[place] += 1
        weakref.finalize(t, self._let_go, place, numbers).atexit = False

    def _let_go(self, place: int, numbers: int) -> None:
        self._tensors[place] -= 1
        if not self._tensors[place]:
            self._now -= numbers
