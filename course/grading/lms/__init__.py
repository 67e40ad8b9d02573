"""Learning platforms: rosters, submissions and grades to and from nbgrader's folders and gradebook."""
