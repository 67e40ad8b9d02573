"""Side by side with other libraries, in one run: ``python -m benchmarks`` writes ``RESULTS.md``.

Other libraries are the extra ``bench``; where one is missing its line says so.
"""
