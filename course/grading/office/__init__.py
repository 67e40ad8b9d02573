"""The class office: rosters, submissions, grades between a learning platform and nbgrader's gradebook and folders."""
