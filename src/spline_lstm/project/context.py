"""The project's context: parameters are checked and ids derived before anything else.

This is a context class and not a hook, because kedro-viz starts without hooks: here the command line,
sessions, notebooks and kedro-viz all pass, before the catalog is made, and so agree on paths.
"""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from attrs import define
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines

from spline_lstm.datasets.inputs import read_schema
from spline_lstm.project.parameters import command, parse_parameters, resolve_parameters
from spline_lstm.project.plan import Cell, made_from, make_matrix, set_current_matrix

_PIPELINES = (
    "preprocessing", "modelling", "edge_poc", "benchmarking", "edge_matrix", "backtest", "forecasting", "describe",
)  # fmt: skip
_OF_THE_WHOLE = ("benchmark", "run_id", "processed_run_id")
"""What names or shapes a benchmark and not its cells."""


@define(slots=False)
class ProjectContext(KedroContext):
    """Kedro's context, with all that is derived from the parameters among the runtime parameters."""

    def __attrs_post_init__(self) -> None:
        """Check all parameters and add ids, groups, the benchmark's cells, and the commands that messages name.

        Raises:
            ParameterError: A parameter is unknown, of the wrong type or out of range.
            SchemaError: The covariate schema cannot be read.

        """
        loader = self.config_loader
        given = dict(loader.runtime_params or {})
        parameters = parse_parameters(loader["parameters"])
        schema = read_schema(_located(self.project_path, parameters.covariate_spec))
        resolved = resolve_parameters(parameters, schema, _commit(self.project_path))
        resolved |= {f"{name}_command": command(name, given, self.env) for name in _PIPELINES}
        resolved["run_command"] = command(None, {}, self.env)
        resolved["description"] = f"data/08_reporting/tables/{_folder_name(self.project_path, parameters.input_path)}"
        resolved["given"] = given
        resolved["run"]["command"] = command(None, given, self.env)
        matrix = make_matrix(parameters, schema, resolved["run"]["commit"])
        for cell in matrix.cells:
            matrix.parameters["cells"][cell.run_id]["run"]["command"] = command(None, _of_cell(given, cell), self.env)
        if made_from() not in (None, matrix):
            # The pipelines of this process were made for other parameters.
            pipelines.configure(f"{self._package_name}.pipeline_registry")
        set_current_matrix(matrix)
        # What paths name, and, in place of what the files say, what nodes take: Kedro need not merge it again.
        loader.runtime_params = resolved | {"benchmark_id": matrix.parameters["benchmark_id"]}
        loader["parameters"] = resolved | matrix.parameters


def _of_cell(given: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """Return the parameters that give a cell of the benchmark as a run of its own."""
    own = {"model_type": cell.model_type, "feature_mode": cell.feature_mode, "seed": cell.seed}
    return {name: value for name, value in given.items() if name not in _OF_THE_WHOLE} | own


def _located(project_path: Path, place: str) -> str:
    """Return an address as it is, and a path from the project's folder."""
    return place if "://" in place else str(project_path / place)


def _folder_name(project_path: Path, table: str) -> str:
    """Name the folder of a table: tables of one name in two places have two folders."""
    path = (project_path / table).resolve()
    known_as = path.relative_to(project_path) if path.is_relative_to(project_path) else path
    return f"{path.stem}-{hashlib.sha256(known_as.as_posix().encode()).hexdigest()[:6]}"


def _commit(project_path: Path) -> str | None:
    """Commit hash of the project, or None outside git."""
    arguments = ["git", "-C", str(project_path), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
