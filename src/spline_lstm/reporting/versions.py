"""Versions of the packages that shape a result."""

from importlib.metadata import version

_PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "pandas", "scipy", "kedro", "spline-lstm")


def package_versions() -> dict[str, str]:
    """Return the version of each package that shapes a result and is installed."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except ModuleNotFoundError:
            continue
    return versions
