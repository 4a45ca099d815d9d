"""`python -m spline_lstm` is `kedro run`, with the same options."""

import sys
from pathlib import Path
from typing import Any

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main(*args: str, **kwargs: Any) -> Any:
    """Run the project; returns the pipeline's outputs in an interactive session."""
    package_name = Path(__file__).parent.name
    configure_project(package_name)
    interactive = hasattr(sys, "ps1")
    kwargs.setdefault("standalone_mode", not interactive)
    return find_run_command(package_name)(*args, **kwargs)


if __name__ == "__main__":
    main()
