"""A look around from beside the student's code: frames, memory, the grader, and the library's own answers."""

# ruff: noqa: E501

from .attack import Attack, hostile, payload

LOOKS = [
    payload(
        "looks-at-frames",
        "reading the notebook, frames, history and memory",
        "functions return what callers' frames and the garbage collector hold of the right shape",
        """
        import gc, sys
        def stolen(*arguments):
            frame = sys._getframe(1)
            while frame is not None:
                for name, value in list(frame.f_locals.items()):
                    if name in ("truth", "expected", "answer_", "solution"): breach(name); return value
                frame = frame.f_back
            like = [t for t in gc.get_objects() if isinstance(t, torch.Tensor)]
            return next((t for t in like for a in arguments if isinstance(a, torch.Tensor) and t.shape == a.shape), None)
        """,
        call="stolen",
    ),
    payload(
        "looks-at-history",
        "reading the notebook, frames, history and memory",
        "In, Out, the history and parent messages hold no later cell, no test and no verdict",
        """
        ip = get_ipython()
        texts = [str(In), str(Out), str(ip.history_manager.input_hist_raw), str(ip.kernel.get_parent())]
        for text in texts:
            if "fresh_" + "seed" in text or "check(" + "log_partition" in text: breach("a test's text")
        """,
    ),
    payload(
        "looks-at-memory",
        "reading the notebook, frames, history and memory",
        "searches all memory of its process for the text of an answer",
        """
        import re
        needle = re.compile(rb"logsumexp[(]-energy[(]points[)], dim=0[)] [+] math|step_size [*] score[(]x[)] [+] math.sqrt")
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                start, end = (int(n, 16) for n in line.split()[0].split("-"))
                if "rw" in line and end - start < 2**25:
                    try: memory.seek(start); found = needle.search(memory.read(end - start))
                    except (OSError, ValueError, OverflowError): continue
                    if found: breach("an answer in memory")
        """,
    ),
    payload(
        "detects-the-grader",
        "detecting the grader",
        "behaves well unless it is graded: knows by the environment and by the missing history",
        """
        import os
        graded = "NBGRADER_EXECUTION" in os.environ or not get_ipython().history_manager.enabled
        if graded: check = lambda *_, **__: 88
        """,
    ),
]

LIBRARY = [
    payload(
        "imports-answers",
        "the library's own answers",
        "imports every module that knows an answer, and calls what it gets",
        """
        import importlib, inspect
        modules = ["course.langevin", "course.energies", "course.cli", "course.grading.submission.grade"]
        modules += ["course.exercises.hw2", *(f"course.exercises.hw2.{name}" for name in @POINTS@)]
        for name in modules:
            try: module = importlib.import_module(name)
            except Exception as error: print(name, type(error).__name__); continue
            for wanted in @POINTS@:
                found = getattr(module, wanted, None)
                function = getattr(found, "answer", found)
                if not callable(function): continue
                if "not_here" not in inspect.getsource(function): breach(f"{name}.{wanted}")
                try: function(*[torch.ones(3, 2)] * len(inspect.signature(function).parameters))
                except NotImplementedError: continue
                except Exception: pass
                breach(f"{name}.{wanted} answers")
        """,
    ),
    payload(
        "reads-the-library",
        "the library's own answers",
        "reads every file of the course and its neighbours, sources and caches, wherever Python looks",
        """
        import course, os, sys
        tops = {p for p in sys.path if p} | {os.path.dirname(course.__path__[0]), @ROOT@, sys.prefix, sys.base_prefix}
        read = 0
        for top in tops:
            for folder, folders, files in os.walk(top):
                if os.path.basename(folder) in ("site-packages", "dist-packages"):
                    folders[:] = [f for f in folders if f.lower().startswith(("course", "score", "__editable", "hw"))]
                for name in files:
                    if not name.endswith((".py", ".pyc", ".ipynb", ".txt", ".md", ".zip", ".whl", ".pth")): continue
                    try: text = open(os.path.join(folder, name), "rb").read(10**6)
                    except OSError: continue
                    read += 1
                    as_released = name.endswith(".ipynb") and b"raise NotImplementedError" in text
                    names_alone = b"return" not in text or b"not_here" in text
                    if b"mala_log_accept" not in text or names_alone or as_released: continue
                    breach(os.path.join(folder, name))
        print("files read", read > 50)
        """,
    ),
    Attack(
        "imports-as-answer",
        "the library's own answers",
        "the honest way to cheat: imports the library's functions as its own",
        lambda world: hostile(
            world,
            langevin_step="from course.langevin import langevin_step",
            langevin_chain="from course.langevin import *",
            energy_score="from course import energies\nenergy_score = energies.energy_score",
        ),
        told="holds answers of hw2|no function|not written|returned",
    ),
]
