"""Releases that did not exist when the lock file was written: pip must pass them over.

`make FOLDER` writes an empty wheel of version 999 for every locked name; pip looks into the folder when
`PIP_FIND_LINKS` names it. `check PYTHON` ends with 1 unless the environment of that interpreter holds the locked
versions and nothing else.
"""

import argparse
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_OUTSIDE = {"pip", "spline-lstm"}
"""What an environment has beside the lock file: pip comes with Python, and the project itself is installed."""


def locked_versions(lock: Path) -> dict[str, set[str]]:
    """Return the versions of every locked name; some names have one for each kind of machine."""
    versions: dict[str, set[str]] = {}
    for name, version in _PIN.findall(lock.read_text()):
        versions.setdefault(_normal(name), set()).add(version)
    return versions


def make_wheels(folder: Path, names: list[str]) -> None:
    """Write an empty wheel of version 999 for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        stem = f"{name.replace('-', '_')}-999"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 999\n")
            tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr(f"{stem}.dist-info/WHEEL", tags)
            wheel.writestr(f"{stem}.dist-info/RECORD", "")


def find_differences(installed: dict[str, str], locked: dict[str, set[str]]) -> list[str]:
    """Return a line for every installed package that is not the locked one."""
    return [
        f"{name} {version} is installed, locked: {' or '.join(sorted(locked.get(name, {'nothing'})))}"
        for name, version in sorted(installed.items())
        if name not in _OUTSIDE and version not in locked.get(name, ())
    ]


def _installed(python: str) -> dict[str, str]:
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {_normal(entry["name"]): entry["version"] for entry in json.loads(listed)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Make the wheels, or check an environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["make", "check"])
    parser.add_argument("place", help="the folder to make, or the interpreter to ask")
    given = parser.parse_args()
    locked = locked_versions(LOCK)
    if given.task == "make":
        make_wheels(Path(given.place), list(locked))
        return 0
    differences = find_differences(_installed(given.place), locked)
    print("\n".join(differences) or f"{given.place} holds the locked versions and nothing else")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
