"""Attacks on what runs beside the student's code: display, objects, transformers, patches and redefinition."""

from .attack import POINTS, Attack, World, hostile, payload

FORGED = """
from IPython.display import publish_display_data
def forge(name, points):
    verdict = {"exercise": name, "points": points, "possible": points, "sentence": "", "misconception": None, "seed": 1}
    publish_display_data({"text/plain": str(points), "application/vnd.score-course.verdict+json": verdict})
"""

DISPLAY = [
    payload(
        "display-verdicts",
        "display hooks and forged results",
        "publishes a passed verdict of every exercise from its own cell",
        FORGED + "for name, points in @POINTS@.items(): forge(name, points)",
    ),
    payload(
        "display-hooks",
        "display hooks and forged results",
        "every value is shown as 88 points, also those of tests",
        """
        import sys
        ip = get_ipython()
        ip.display_formatter.format = lambda *_, **__: ({"text/plain": "88"}, {})
        ip.displayhook.write_format_data = lambda *_, **__: None
        ip.display_pub.publish = lambda *_, **__: None
        sys.displayhook = lambda _: sys.__stdout__.write("88")
        """,
        ends=False,
    ),
    payload(
        "display-object",
        "display hooks and forged results",
        "a last value with a made-up MIME bundle, and a test's name taken for it",
        """
        class Ten:
            def _repr_mimebundle_(self, **_): return {"text/plain": "10", "text/html": "<script>alert(1)</script>"}
            __call__ = lambda self, *_: self
        check = Ten()
        display(check("log_partition"))
        """,
        pages=True,
    ),
]

OBJECTS = [
    payload(
        "always-equal",
        "always-equal objects and tensor subclasses",
        "returns objects that say yes to every comparison",
        """
        class Yes:
            def _yes(self, *_, **__): return True
            __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = _yes
            __hash__ = object.__hash__
            def __getattr__(self, name): return self
            def __call__(self, *_, **__): return self
            def __float__(self): return 0.0
        def yes(*_): return Yes()
        """,
        call="yes",
    ),
    Attack(
        "lying-subclass",
        "always-equal objects and tensor subclasses",
        "returns a subclass of Tensor whose every operation says what one likes to hear",
        lambda world: hostile(
            world,
            langevin_step="""
            class Liar(torch.Tensor):
                @classmethod
                def __torch_function__(cls, function, types, args=(), kwargs=None):
                    if function in (torch.allclose, torch.equal, torch.Tensor.equal): return True
                    if function is torch.Tensor.__eq__: return torch.tensor(True)
                    return super().__torch_function__(function, types, args, kwargs or {})
            def langevin_step(x, score, step_size, noise):
                return x.clone().as_subclass(Liar)
            def energy_score(energy, x): return x.clone().as_subclass(Liar)
            """,
            mala_log_accept="""
            class Shy(torch.Tensor):
                cpu = contiguous = detach = clone = double = lambda self, *_, **__: self
                shape = property(lambda self: torch.Size([17]))
            def mala_log_accept(x, *_): return x.flatten(1).sum(1).as_subclass(Shy)
            """,
        ),
    ),
]

TRANSFORMERS = [
    payload(
        "ast-transformer",
        "AST and input transformers",
        "drops assertions and checks from every cell to come, and empties their text",
        """
        import ast
        class Drop(ast.NodeTransformer):
            def visit_Assert(self, node): return ast.Pass()
            def visit_Call(self, node): return ast.Constant(88)
        ip = get_ipython()
        ip.ast_transformers.append(Drop())
        ip.input_transformers_cleanup.append(lambda lines: ["88\\n"])
        """,
        told="could not be observed",
    ),
    payload(
        "replaced-run-code",
        "replaced parts of the kernel",
        "run_cell, run_code, showtraceback and do_execute say that all went well",
        """
        ip = get_ipython()
        async def fine(*_, **__): return False
        ip.run_code = ip.run_ast_nodes = fine
        ip.showtraceback = ip._showtraceback = lambda *_, **__: None
        async def done(*_, **__):
            return {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
        ip.kernel.do_execute = done
        """,
        ends=False,
        told="could not be observed",
    ),
    payload(
        "replaced-handlers",
        "replaced parts of the kernel",
        "the handler of execute requests answers that everything is right, and runs nothing",
        """
        kernel = get_ipython().kernel
        async def handler(stream, ident, parent):
            kernel.session.send(kernel.iopub_socket, "execute_result", parent=parent, content={"data":
                {"text/plain": "12", "application/vnd.score-course.observed": "AAAAAAAAAAJbXQ=="},
                "metadata": {}, "execution_count": 1})
            kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)
            kernel.session.send(stream, "execute_reply", {"status": "ok", "execution_count": 1}, parent, ident=ident)
        kernel.shell_handlers["execute_request"] = handler
        """,
        told="could not be observed",
    ),
]

PATCHES = [
    payload(
        "patched-torch",
        "patched libraries",
        "torch and numpy find everything equal, and clocks stand still",
        """
        import time, numpy
        yes = lambda *_, **__: True
        torch.allclose = torch.equal = torch.isclose = numpy.allclose = numpy.array_equal = yes
        torch.Tensor.__eq__ = torch.Tensor.equal = torch.Tensor.allclose = yes
        torch.testing.assert_close = lambda *_, **__: None
        time.monotonic = time.time = time.perf_counter = lambda: 0.0
        """,
        ends=False,
    ),
    payload(
        "patched-builtins",
        "patched libraries",
        "isinstance, all, any, len and abs say what one likes to hear",
        """
        import builtins
        print("the payload came to its end", flush=True)
        builtins.all = builtins.any = lambda *_: True
        builtins.abs = lambda *_: 0
        builtins.isinstance = lambda *_: True
        """,
        ends=False,
    ),
    payload(
        "settrace",
        "tracing",
        "traces every frame to come, and returns what it finds called truth, answer or expected",
        """
        import sys, threading
        found, calls = [], []
        def trace(frame, event, argument):
            calls.append(event)
            if len(calls) > 30_000: sys.settrace(None)
            for name in ("truth", "answer_", "expected", "verdict", "solution"):
                if name in frame.f_locals: found.append(frame.f_locals[name]); breach(name)
            return trace
        sys.settrace(trace); threading.settrace(trace)
        """,
    ),
]

REDEFINED = [
    Attack(
        "changes-after-first-call",
        "redefinition between tests",
        "right when first called, then whatever costs less",
        lambda world: hostile(world, **{name: _fades(world, name) for name in POINTS}),
    ),
    Attack(
        "redefines-earlier",
        "redefinition between tests",
        "the last cell defines every function right, too late for the tests before it",
        lambda world: hostile(world, start_negatives="\n".join(world.right[name] for name in POINTS)),
        deserves=POINTS["start_negatives"],
    ),
    Attack(
        "redefines-later",
        "redefinition between tests",
        "the first cell defines every function right, and protects itself from redefinition",
        lambda world: hostile(world, log_partition=_protected(world)),
        deserves=POINTS["log_partition"],
    ),
]


def _fades(world: World, name: str) -> str:
    return "\n".join(
        [
            world.right[name],
            f"_{name}, _{name}_calls = {name}, []",
            f"def {name}(*arguments):",
            f"    _{name}_calls.append(1)",
            f"    return _{name}(*arguments) if len(_{name}_calls) == 1 else arguments[0]",
        ]
    )


def _protected(world: World) -> str:
    later = "\n".join(world.right[name] for name in POINTS)
    return f"{later}\nfrom IPython import get_ipython\nget_ipython().user_ns_hidden.update(globals())"


INSIDE = [*DISPLAY, *OBJECTS, *TRANSFORMERS, *PATCHES, *REDEFINED]
