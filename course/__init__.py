"""Score-based generative modelling, from density estimation to guidance: the library of the course.

Read the modules in the order of the lecture: ``densities``, ``distances``, ``families``, ``energies``, ``langevin``,
``matching``, ``processes`` and ``ddpm``, ``scores``, ``sampling``, ``likelihood``, ``guidance``, ``networks``,
``training``, ``pretrained``.
Nothing is imported here, so that ``import course`` costs nothing; import what you use.
"""

__version__ = "0.1.0"
