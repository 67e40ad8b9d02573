"""Every public callable, called with care once and without care many times."""
