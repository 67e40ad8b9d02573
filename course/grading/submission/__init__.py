"""One submission: read from bytes, rebuilt in the instructor's notebook, run, judged, and shown without markup."""
