"""Versions of the packages that affect a result."""

from importlib.metadata import version

_PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "pandas", "scipy", "kedro", "spline-lstm")


def package_versions() -> dict[str, str]:
    """Return the version of each installed package that affects a result."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except ModuleNotFoundError:
            continue
    return versions
