"""What runs beside students' code: a fork server of warm kernels, isolation, and the observing of functions.

Nothing here knows an answer or a grade. The sandbox has a copy of the library with this package in it, without the rest
of ``course.grading``, without the exercises, and without the modules that hold the assignment's answers.
"""
