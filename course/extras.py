"""What an extra of this package needs, in words that work wherever the package came from."""

from importlib.metadata import PackageNotFoundError, requires

NAME = "score-course"


def remedy(extra: str) -> str:
    """The command that installs an extra's packages: such as ``pip install 'jupyterlab>=4.2'``.

    It names them one by one, since a folder, a wheel or a repository's address may be what this package was installed
    from, and no index need have it.
    """
    from packaging.requirements import Requirement

    try:
        all_of_them = [Requirement(line) for line in requires(NAME) or []]
    except PackageNotFoundError:
        return f"pip install '.[{extra}]' in the course's folder"
    wanted = [one for one in all_of_them if one.marker and one.marker.evaluate({"extra": extra})]
    return "pip install " + " ".join(f"'{_without_marker(one)}'" for one in wanted)


def _without_marker(requirement: object) -> str:
    return str(requirement).partition(";")[0].strip()
