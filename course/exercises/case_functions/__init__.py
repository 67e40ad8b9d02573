"""The functions that exercises hand over: small, smooth, made from plain tensors, and nobody's answer.

``common`` holds those of several assignments, ``hw5`` and so on those of one.
"""
