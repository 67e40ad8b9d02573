"""From a folder of submissions to a gradebook, on nbgrader's own formats and database (the extra ``instructor``)."""
