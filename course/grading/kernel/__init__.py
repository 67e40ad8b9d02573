"""A kernel as the trusted side sees it: its sandbox, its limits, what it is given to import, and what it sends."""
