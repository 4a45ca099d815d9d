"""The project's context: it checks parameters and derives ids before anything else.

This is a context class, not a hook, because kedro-viz starts without hooks. The command line, sessions, notebooks and
kedro-viz all create the context before the catalog, and so agree on paths.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from attrs import define, field
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines, settings
from kedro.utils import is_kedro_project

from spline_lstm.datasets.forecasts import FORECAST_ID
from spline_lstm.datasets.inputs import read_schema
from spline_lstm.datasets.later_table import folder_name
from spline_lstm.errors import ParameterError
from spline_lstm.pipelines import OF_THE_PROJECT
from spline_lstm.pipelines.plan import Cell, Plan, made_from, set_current_plan
from spline_lstm.project.configuration import locate
from spline_lstm.project.invocation import Invocation
from spline_lstm.project.parameters import GROUPS, Parameters, check_given, parse_parameters, resolve_parameters
from spline_lstm.project.places import (
    Entries,
    Owner,
    check_entries,
    check_own_places,
    find_owners,
    place_datasets,
    places_of,
)
from spline_lstm.project.plan import make_plan
from spline_lstm.selection.search import SEARCHED

_OF_THE_WHOLE = ("benchmark", "run_id", "processed_run_id")
"""Parameters that name or define the whole benchmark, not its cells."""
_OF_THE_TUNING = (*SEARCHED, "tuning", "settings_tried", "run_id", "processed_run_id")
"""Parameters that a tuning sets, or that define or name it."""
_OWN_TABLE = "own-table"
"""Forecast id for the table that the run was trained on."""
_DERIVED = {*GROUPS, "run", "cells", "sources", "folds", "refit", "search", "given"}
"""Parameters of nodes that the project derives; users do not set them."""


@define(slots=False)
class ProjectContext(KedroContext):
    """Kedro's context; its runtime parameters include all values derived from the parameters.

    Attributes:
        invocation: How Kedro was called.

    """

    invocation: Invocation = field(init=False, factory=Invocation)
    _entries: Entries = field(init=False, factory=dict)
    _owners: dict[str, Owner] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Check all parameters, add ids, groups and the benchmark's cells, and set the place of every dataset.

        Raises:
            ParameterError: A parameter is unknown, of the wrong type or out of range, or a dataset cannot be used.
            SchemaError: The covariate schema cannot be read.

        """
        loader = self.config_loader
        self.invocation = self._find_invocation()
        check_given(self.invocation.given)
        values = loader["parameters"]
        own = self._find_own_parameters(values)
        parameters = parse_parameters({name: value for name, value in values.items() if name not in own})
        address = locate(parameters.covariate_spec, self.project_path, str(loader.conf_source))
        schema = read_schema(address)
        resolved = resolve_parameters(parameters, schema, _commit(self.project_path))
        resolved["given"] = dict(self.invocation.given)
        resolved["table_is_given"] = "input_path" in self.invocation.given
        resolved["run_command"] = replace(self.invocation, given={}).command()
        resolved["schema_address"] = address
        resolved["table_id"] = folder_name(self.project_path, parameters.input_path)
        plan = make_plan(parameters, schema, resolved["run"]["commit_hash"])
        if plan.many_tables and parameters.forecast_id:
            raise ParameterError(
                f"forecast_id names one forecast, and input_path={parameters.input_path} stands for many tables; "
                "leave forecast_id out"
            )
        of_table = resolved["table_id"] if resolved["table_is_given"] else _OWN_TABLE
        resolved["forecast_id"] = FORECAST_ID if plan.many_tables else parameters.forecast_id or of_table
        # Values for the placeholders in paths.
        loader.runtime_params = resolved | {
            "benchmark_id": plan.parameters["benchmark_id"],
            "tuning_id": plan.parameters["search"]["tuning_id"],
        }
        self._place_datasets(resolved["run"], plan)
        resolved["table_schema_path"] = self._entries["table_schema"].get("filepath")
        if made_from() not in (None, plan):
            # This process has made its pipelines for other parameters.
            pipelines.configure(f"{self._package_name}.pipeline_registry")
        set_current_plan(plan)
        # The parameters of the nodes replace those of the files, so Kedro does not merge them again.
        loader["parameters"] = own | resolved | plan.parameters

    @property
    def entries(self) -> Entries:
        """The catalog's entries, with id placeholders in their paths."""
        return self._entries

    def check_places(self, names: Iterable[str]) -> None:
        """Refuse to write datasets that cells or folds would share.

        Raises:
            ParameterError: An entry of the catalog has no id in its path.

        """
        check_own_places(names, self._entries, self._owners)

    def _find_own_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that only custom pipelines take.

        All custom pipelines must be made for this, so it is done only if the project does not know a parameter.
        """
        unknown = set(values) - set(Parameters.model_fields) - _DERIVED
        if not unknown:
            return {}
        pipelines.configure(f"{self._package_name}.pipeline_registry")  # all pipelines, not only the requested ones
        inputs = {
            name
            for key, pipeline in pipelines.items()
            if key not in ("__default__", *OF_THE_PROJECT)
            for name in pipeline.inputs()
        }
        taken = {name.removeprefix("params:").partition(".")[0] for name in inputs if name.startswith("params:")}
        return {name: values[name] for name in unknown & taken}

    def _find_invocation(self) -> Invocation:
        """Return how Kedro was called; a session without a command line has no runner to name."""
        typed = click.get_current_context(silent=True)
        options = typed.params if typed else {}
        source = str(self.config_loader.conf_source)
        return Invocation(
            program="kedro run" if is_kedro_project(self.project_path) else f"python -m {self._package_name}",
            env=self.env,
            conf_source=source if source != str(self.project_path / settings.CONF_SOURCE) else None,
            runner=options.get("runner"),
            runner_params=options.get("runner_params") or {},
            given=dict(self.config_loader.runtime_params or {}),
        )

    def _place_datasets(self, run: dict[str, Any], plan: Plan) -> None:
        """Set the place of every dataset; give every run and cell its artifacts' paths and its command."""
        self._entries = self.config_loader["catalog"]
        check_entries(self._entries)
        self._owners = find_owners(run, plan)
        self.config_loader["catalog"] = place_datasets(self._entries, self._owners, self.invocation.command)
        run["command"] = self.invocation.command()
        run["places"] = json.dumps(places_of(self._entries, self._owners[""].ids))
        refit = plan.parameters["refit"]
        refit["input_path"] = self.invocation.given.get("input_path")
        refit["run"]["command"] = self.invocation.command("refit")
        refit["run"]["places"] = json.dumps(places_of(self._entries, self._owners["refit"].ids))
        shared = {name: value for name, value in self.invocation.given.items() if name not in _OF_THE_TUNING}
        alone = replace(self.invocation, runner=None, runner_params={}).command(None, shared)
        plan.parameters["search"]["command"] = alone + ("," if shared else " --params ")
        for cell in plan.cells:
            of_cell = plan.parameters["cells"][cell.run_id]["run"]
            of_cell["command"] = self.invocation.command(None, _of_cell(self.invocation.given, cell))
            of_cell["places"] = json.dumps(
                places_of(self._entries, {"run_id": cell.run_id, "processed_run_id": cell.processed_run_id})
            )


def _of_cell(given: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """Return the parameters that make a benchmark's cell as a single run."""
    own = {"model_type": cell.model_type, "feature_mode": cell.feature_mode, "seed": cell.seed}
    return {name: value for name, value in given.items() if name not in _OF_THE_WHOLE} | own


def _commit(project_path: Path) -> str | None:
    """Return the project's commit hash, with the ending `-dirty` if files have changed; None outside git."""
    arguments = ["git", "-C", str(project_path), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
