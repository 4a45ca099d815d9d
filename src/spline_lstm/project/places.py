"""Paths of datasets. A catalog entry applies to the run, and to every cell and fold with their own ids."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spline_lstm.datasets.address import Address, Place, check_address, place_at
from spline_lstm.datasets.forecasts import FORECAST_ID
from spline_lstm.datasets.trained_run import fill_ids
from spline_lstm.errors import ParameterError
from spline_lstm.pipelines.plan import Plan

Entries = dict[str, dict[str, Any]]
"""The catalog's configuration: name of a dataset to its entry."""

_IDS = ("run_id", "processed_run_id")
_OWN = "spline_lstm.datasets."
_READ_BY_HASH = {
    "covariate_schema": "SchemaDataset",
    "table_files": "TableFilesDataset",
    "series": "FilledSeriesDataset",
    "model_input": "ModelInputDataset",
    "model": "BytesDataset",
    "last_model": "BytesDataset",
    "exported_models": "FilesDataset",
    "trained_run": "TrainedRunDataset",
}
"""Datasets that must keep their class, because nodes rely on it."""
RECORDED = (
    "model_input",
    "model",
    "last_model",
    "predictions",
    "metrics",
    "series_metrics",
    "intervals",
    "run_record",
    "report_page",
    "model_card",
    "exported_models",
    "edge_report",
    "backtest_report",
)
"""Datasets whose paths a run's record, report and card name."""
_INPUTS = ("raw_table", "covariate_schema")
"""Read-only datasets, checked where they are read."""


@dataclass(frozen=True)
class Owner:
    """An owner of artifacts: the run, its refit, a cell, a fold, or preprocessed data that several cells share.

    Attributes:
        ids: Values for the id placeholders in the catalog's paths.
        makers: Pipelines that make this owner's artifacts, by the pipelines in the entries that they replace.

    """

    ids: Mapping[str, str]
    makers: Mapping[str, str] = field(default_factory=dict)


def find_owners(run: Mapping[str, Any], plan: Plan) -> dict[str, Owner]:
    """Return all owners by the namespace of their datasets; the run's namespace is empty.

    Args:
        run: The ids of the run.
        plan: The run's cells and folds.

    """
    ids = {name: str(run[name]) for name in _IDS}
    in_benchmark = {"preprocessing": "benchmarking", "modelling": "benchmarking", "edge_poc": "edge_matrix"}
    in_backtest = {"preprocessing": "backtest", "modelling": "backtest"}
    owners = {"": Owner(ids)}
    for cell in plan.cells:
        owners[cell.processed_run_id] = Owner({"processed_run_id": cell.processed_run_id}, in_benchmark)
        owners[cell.run_id] = Owner({"run_id": cell.run_id}, in_benchmark)
    refit = f"{ids['run_id']}-refit"
    of_refit = {"preprocessing": "refit", "modelling": "refit"}
    owners["refit"] = Owner({"run_id": refit, "processed_run_id": refit}, of_refit)
    for fold in plan.folds:
        of_fold = {"run_id": f"{ids['run_id']}/{fold}", "processed_run_id": f"{ids['processed_run_id']}-{fold}"}
        owners[fold] = Owner(of_fold, in_backtest)
    return owners


def place_datasets(entries: Entries, owners: Mapping[str, Owner], command: Callable[[str], str]) -> Entries:
    """Fill in the ids of every owner, and the commands that make the datasets.

    Args:
        entries: The catalog's entries, with the placeholders `{run_id}` and `{processed_run_id}`.
        owners: Owners by namespace.
        command: Returns the command that runs a pipeline.

    Returns:
        The run's entries under their own names, and the other owners' entries under `<namespace>.<name>`.

    """
    left_open = {name: _open_ids(entry) for name, entry in entries.items()}
    placed: Entries = {}
    for namespace, owner in owners.items():
        for name, entry in entries.items():
            if namespace and not (left_open[name] and left_open[name] <= set(owner.ids)):
                continue
            own = fill_ids(entry, owner.ids)
            if "datasets" in entry:  # the dataset fills in ids from a run's record
                own["datasets"] = {other: copy.deepcopy(entries[other]) for other in entry["datasets"]}
            maker = entry.get("made_by")
            if isinstance(maker, str) and maker.isidentifier():
                own["made_by"] = command(owner.makers.get(maker, maker))
            placed[f"{namespace}.{name}" if namespace else name] = own
    return placed


def places_of(entries: Entries, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the paths of the artifacts in a run's record, as the catalog's entries write them.

    Raises:
        ParameterError: The catalog lacks an entry; it may be from an earlier version.

    """
    absent = [name for name in RECORDED if name not in entries]
    if absent:
        raise ParameterError(
            f"the catalog has no entry '{absent[0]}', so the configuration is of another version; take catalog.yml and "
            "globals.yml of this one (conf/base in the project) and make your changes again in conf/local"
        )
    return {name: fill_ids(entries[name].get("filepath", "not in a file"), ids) for name in RECORDED}


def place_of(dataset: Any) -> Place | None:
    """Return where a dataset is written; None if it is read-only, in memory, or in a bucket by a foreign class."""
    place = getattr(dataset, "place", None)
    if place is None:
        described = dataset._describe()
        place = described.get("filepath") if described.get("protocol") == "file" else None
    return place if place is None or isinstance(place, Address) else Path(place)


def check_entries(entries: Entries) -> None:
    """Refuse catalog entries that no run could use, before anything runs.

    Raises:
        ParameterError: A dataset of the project is versioned, has an address that cannot be opened or holds a secret,
            or has another class than the nodes need.

    """
    for name, entry in entries.items():
        kind = str(entry.get("type", ""))
        wanted = _READ_BY_HASH.get(name)
        if wanted and kind != f"{_OWN}{wanted}":
            raise ParameterError(f"dataset '{name}' is of type '{kind}'; only {_OWN}{wanted} holds what the nodes need")
        if not kind.startswith(_OWN):
            continue
        if entry.get("versioned"):
            raise ParameterError(
                f"dataset '{name}' is versioned; a run has its own place by its run_id, so leave 'versioned' out"
            )
        filepath = str(entry.get("filepath", ""))
        if name not in _INPUTS and isinstance(place_at(filepath), Address):
            check_address(name, filepath)


def check_own_places(names: Iterable[str], entries: Entries, owners: Mapping[str, Owner]) -> None:
    """Refuse files that cells, folds or the forecasts of many tables would share.

    Args:
        names: Datasets that will be written.
        entries: The catalog's entries.
        owners: Owners by namespace.

    Raises:
        ParameterError: An entry has no id in its path.

    """
    for dataset in names:
        namespace, _, name = dataset.rpartition(".")
        if namespace and namespace in owners and name in entries and not _open_ids(entries[name]):
            raise ParameterError(
                f"dataset '{name}' has the same place in every run, '{entries[name].get('filepath')}', and '{dataset}' "
                "needs its own: write {run_id} into its filepath, as conf/base/catalog.yml does"
            )
        for part in entries.get(dataset, {}).get("datasets", ()):
            if FORECAST_ID not in entries[part].get("filepath", ""):
                raise ParameterError(
                    f"dataset '{part}' has the same place for every table, '{entries[part].get('filepath')}': write "
                    "${_forecast} into its filepath, as conf/base/catalog.yml does"
                )


def _open_ids(value: Any) -> set[str]:
    """Return the names of the id placeholders in an entry."""
    if isinstance(value, Mapping):
        return set().union(*(_open_ids(item) for item in value.values()))
    return {name for name in _IDS if isinstance(value, str) and f"{{{name}}}" in value}
