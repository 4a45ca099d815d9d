"""Take over the configuration of Spline-LSTM as it is, and the table."""

import re
import shutil
import sys
from pathlib import Path

SOURCE = Path(r"{{ cookiecutter._repo_dir }}").resolve().parent
TABLE = r"{{ cookiecutter.table }}"


def main() -> None:
    """Copy the files; a table that is not there ends it with one line."""
    for name in ("base", "ci"):
        shutil.copytree(SOURCE / "conf" / name, Path("conf") / name)
    Path("conf/local").mkdir()
    for name in ("conf/logging.yml", "conf/local/.gitkeep", ".gitignore", ".telemetry"):
        shutil.copy(SOURCE / name, name)
    if not TABLE:
        shutil.copytree(SOURCE / "data" / "01_raw", "data/01_raw")
        return
    table = Path.cwd().parent / TABLE
    if not table.exists():
        sys.exit(f"Error: {table} is not there; give the path of your table, from the folder of the new project on")
    copy = shutil.copytree if table.is_dir() else shutil.copy
    Path("data/01_raw").mkdir(parents=True)
    copy(table, Path("data/01_raw") / table.name)
    parameters = Path("conf/base/parameters.yml")
    path = f"input_path: data/01_raw/{table.name} "
    parameters.write_text(re.sub(r"^input_path: \S+ ", lambda _: path, parameters.read_text(), flags=re.MULTILINE))


main()
