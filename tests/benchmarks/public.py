"""Public benchmarks beside published figures: `make public TABLES=<folder>` writes `docs/explanation/public.md`.

Each task is a table in the form of its benchmark, a `kedro run` on it, and the benchmark's own score of the forecasts.
The folder holds the unchanged public files, which are not part of this repository. Results are kept in
`data/public/`, so that a run that was interrupted goes on; `ONLY=<part of a name>` runs some tasks, `SEEDS=1` one seed.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.benchmarks.bench import KEDRO, PROJECT, make_workspace

from spline_lstm.reporting.markdown import table as markdown_table

PAGE = PROJECT / "docs" / "explanation" / "public.md"
WORKSPACE = PROJECT / "data" / "public"
SEEDS = (42, 2026, 1, 2, 3)
HORIZONS = (96, 192, 336, 720)
POLLUTANTS = ["CO(GT)", "C6H6(GT)", "NOx(GT)", "NO2(GT)"]
KNOWN_AHEAD = ["T", "RH", "AH"]
COMMON = "lookback=auto,model_type=gru"
_ETT_ROWS, _ETT_TRAIN = 14_400, 8_640
_LAST_WINDOWS, _WEEK, _HISTORY = 20, 168, 1_500
Score = dict[str, float]


@dataclass(frozen=True)
class Task:
    """One line of the page."""

    name: str
    make: Callable[[Path], pd.DataFrame]
    """The table, from the folder of public files."""
    settings: str
    score: Callable[[pd.DataFrame, pd.DataFrame, Path], Score]
    """The benchmark's score, from forecasts, the table and the folder."""
    published: str
    schema: dict[str, Any] = field(default_factory=dict)
    """What the covariate schema says beside the target."""
    seeds: int = 1
    trains_on: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table
    """The part of the table that the run sees."""
    later: Callable[[pd.DataFrame], dict[str, pd.DataFrame]] | None = None
    """Tables to forecast after training, by name; None scores the test part."""


def ett(name: str) -> Callable[[Path], pd.DataFrame]:
    """The first 14,400 rows of an ETT table, each channel a series."""
    return lambda folder: _melted(pd.read_csv(folder / f"{name}.csv").iloc[:_ETT_ROWS])


def whole_ett(folder: Path) -> pd.DataFrame:
    """Both hourly ETT tables, whole, as fourteen series."""
    parts = [_melted(pd.read_csv(folder / f"{name}.csv"), prefix=f"{name} ") for name in ("ETTh1", "ETTh2")]
    return pd.concat(parts, ignore_index=True)


def _melted(wide: pd.DataFrame, prefix: str = "") -> pd.DataFrame:
    long = wide.rename(columns={"date": "timestamp"}).melt("timestamp", var_name="channel", value_name="target")
    return long.assign(channel=prefix + long["channel"])


def m4_hourly(folder: Path) -> pd.DataFrame:
    """The training part of M4 hourly; its times are not published, so all series begin alike."""
    wide = pd.read_csv(folder / "M4-Hourly-train.csv", index_col=0)
    long = wide.stack().dropna().reset_index().set_axis(["series", "step", "target"], axis=1)
    hours = long.groupby("series", sort=False).cumcount()
    return long.assign(timestamp=pd.Timestamp("2020-01-01") + pd.to_timedelta(hours, unit="h")).drop(columns="step")


def air_quality(folder: Path) -> pd.DataFrame:
    """Four pollutants as series, with the weather that is known ahead; -200 is missing."""
    raw = pd.read_csv(folder / "AirQualityUCI.csv").dropna(how="all").replace(-200, np.nan)
    raw["timestamp"] = pd.to_datetime(raw["Date"] + " " + raw["Time"], format="%m/%d/%Y %H:%M:%S")
    return raw.melt(["timestamp", *KNOWN_AHEAD], POLLUTANTS, var_name="channel", value_name="target")


def ett_error(forecasts: pd.DataFrame, table: pd.DataFrame, _: Path) -> Score:
    """MSE and MAE of all test windows, each channel standardised by its training part."""
    spread = {name: part["target"].iloc[:_ETT_TRAIN].std(ddof=0) for name, part in table.groupby("channel")}
    series = forecasts["series_id"].astype(str).map(spread).to_numpy(np.float64)
    error = (forecasts["y_true"] - forecasts["y_pred"]) / series
    return {"MSE": float(np.square(error).mean()), "MAE": float(error.abs().mean())}


def before_last_windows(table: pd.DataFrame) -> pd.DataFrame:
    """What may be trained on: everything before the first of the last twenty weeks."""
    return table.groupby("channel", sort=False).head(-_LAST_WINDOWS * _WEEK)


def last_windows(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A table for each of the last twenty weeks: some history, and the week without its target."""
    found = {}
    for back in range(_LAST_WINDOWS, 0, -1):
        parts = []
        for _, part in table.groupby("channel", sort=False):
            end = len(part) - (back - 1) * _WEEK
            window = part.iloc[end - _WEEK - _HISTORY : end].copy()
            window.iloc[_HISTORY:, window.columns.get_loc("target")] = np.nan
            ahead = [name for name in KNOWN_AHEAD if name in window]
            window[ahead] = window[ahead].ffill()
            parts.append(window)
        found[f"{back:02}"] = pd.concat(parts)
    return found


def last_windows_scores(forecasts: pd.DataFrame, table: pd.DataFrame, _: Path) -> Score:
    """MASE and SQL of the last twenty weeks, each a window scaled by its series' daily differences before it."""
    mase, sql = [], []
    for name, part in table.groupby("channel", sort=False):
        values = part["target"].to_numpy(np.float64)
        made = forecasts[forecasts["series_id"].astype(str) == name]
        for back, rows in made.groupby("table"):
            border = len(values) - int(back) * _WEEK
            truth, week = values[border : border + _WEEK], rows.sort_values("step")
            if np.isnan(truth).all():
                continue
            scale = np.nanmean(np.abs(values[24:border] - values[: border - 24]))
            mase.append(np.nanmean(np.abs(truth - week["y_pred"].to_numpy())) / scale)
            over = {share: truth - week[f"q{share}"].to_numpy() for share in range(10, 100, 10)}
            losses = [np.maximum(share / 100 * left, (share / 100 - 1) * left) for share, left in over.items()]
            sql.append(2 * np.nanmean(losses) / scale)
    return {"MASE": float(np.mean(mase)), "SQL": float(np.mean(sql))}


def m4_mase(forecasts: pd.DataFrame, table: pd.DataFrame, folder: Path) -> Score:
    """Mean over the series of MASE against the official test part."""
    truth = pd.read_csv(folder / "M4-Hourly-test.csv", index_col=0)
    found = []
    for name, rows in forecasts.groupby("series_id", sort=False):
        history = table.loc[table["series"] == name, "target"].to_numpy(np.float64)
        scale = np.abs(history[24:] - history[:-24]).mean()
        found.append(np.abs(rows["y_pred"].to_numpy() - truth.loc[str(name)].to_numpy(np.float64)).mean() / scale)
    return {"MASE": float(np.mean(found)), "median MASE": float(np.median(found))}


def tasks() -> Iterator[Task]:
    """All tasks, the short horizons first."""
    published = {
        ("ETTh1", 96): "SegRNN .351, SparseTSF .362, ridge .369, FITS .372, PatchTST .385",
        ("ETTh1", 192): "SegRNN .390",
        ("ETTh2", 96): "SegRNN .264 to .275",
    }
    for name in ("ETTh1", "ETTh2"):
        for horizon in HORIZONS:
            yield Task(
                f"{name}, {horizon} hours", ett(name),
                f"{COMMON},series_id_cols=channel,horizon={horizon},split=0.6+0.2+0.2", ett_error,
                published.get((name, horizon), ""), seeds=len(SEEDS),
            )  # fmt: skip
    share = "split=0.80+0.15+0.05"
    yield Task(
        "ETT_1H of fev-bench", whole_ett, f"{COMMON},series_id_cols=channel,horizon={_WEEK},{share}",
        last_windows_scores,
        "MASE and SQL: TS-ICL 1.100 and .854, TiRex-2 1.102 and .865, Chronos-2 1.126 and .883, Chronos-Bolt 1.127 and "
        ".944, TFT 1.201 and .951, seasonal naive 1.323 (MASE)",
        trains_on=before_last_windows, later=last_windows,
    )  # fmt: skip
    yield Task(
        "air quality of fev-bench", air_quality,
        f"{COMMON},series_id_cols=channel,horizon={_WEEK},{share},max_gap=2000,feature_mode=multivariate",
        last_windows_scores,
        "MASE and SQL: Chronos-2 1.021 and .798, TiRex-2 1.068 and .832, Chronos-Bolt 1.116 and .899, DeepAR 1.363 and "
        "1.111, seasonal naive 1.442 (MASE)",
        schema={
            "dynamic_covariates": [{"name": name, "known_future": True} for name in KNOWN_AHEAD],
            "calendar_features": {"features": ["hour_sin", "hour_cos", "dow_sin", "dow_cos"]},
        },
        trains_on=before_last_windows, later=last_windows,
    )  # fmt: skip
    yield Task(
        "M4 hourly", m4_hourly, f"{COMMON},series_id_cols=series,horizon=48", m4_mase,
        "TiRex .722, Chronos-Bolt-small .866, M4's winner .89, seasonal naive 1.193, N-BEATS 1.34, PatchTST 1.40",
        later=lambda table: {"ahead": table},
    )  # fmt: skip


def id_of(task: Task, seed: int) -> str:
    """Name of a task's run with a seed."""
    return f"{''.join(c if c.isalnum() else '-' for c in task.name)}-s{seed}"


def kept_of(task: Task, seed: int) -> Path:
    """Where the result of a run is kept."""
    return WORKSPACE / f"{id_of(task, seed)}.json"


def run(task: Task, seed: int, folder: Path) -> dict[str, Any]:
    """Train as a user does, and score the forecasts; returns one record."""
    run_id, kept = id_of(task, seed), kept_of(task, seed)
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    table, table_path, schema_path = task.make(folder), WORKSPACE / f"{run_id}.csv", WORKSPACE / f"{run_id}.schema.json"
    task.trains_on(table).to_csv(table_path, index=False)
    schema = {"version": "phase5.v1", "target_cols": ["target"]} | task.schema
    schema_path.write_text(json.dumps(schema))
    names = f"input_path={table_path},run_id={run_id}"
    settings = f"covariate_spec={schema_path},seed={seed},{task.settings}"
    outputs, reports = (WORKSPACE / "data" / part / run_id for part in ("07_model_output", "08_reporting"))
    if not (reports / "run.json").exists():
        _kedro("--pipelines=preprocessing,modelling", "--params", f"{names},{settings}")
    if task.later is None:
        forecasts = pd.read_parquet(outputs / "predictions.parquet")
    else:
        for name, later in task.later(table).items():
            later.to_csv(_made(WORKSPACE / "later" / run_id) / f"{name}.csv", index=False)
        _kedro("--pipeline=forecasting", "--params", f"run_id={run_id},input_path={WORKSPACE}/later/{run_id}/*.csv")
        forecasts = pd.concat(
            pd.read_csv(path).assign(table=path.parent.name.split("-")[0])
            for path in sorted(outputs.glob("forecasts/*/forecast.csv"))
        )
    record = json.loads((reports / "run.json").read_text())
    found = {
        "task": task.name, "seed": seed, "score": task.score(forecasts, table, folder), "params": record["params"],
        "seconds": record["train_seconds"], "commit": record["commit_hash"],
        "choices": {name: choice["chosen"] for name, choice in record["choices"].items()},
    }  # fmt: skip
    kept.write_text(json.dumps(found))
    return found


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kedro(*arguments: str) -> None:
    subprocess.run([KEDRO, "run", *arguments], cwd=WORKSPACE, check=True)


def row(task: Task, records: list[dict[str, Any]]) -> list[str]:
    """Cells of a task: means over its seeds, and their spread."""

    def of_seeds(values: list[float]) -> str:
        spread = f" ± {np.std(values):.3f}" if len(values) > 1 else ""
        return f"{np.mean(values):.3f}{spread}"

    scores = ", ".join(
        f"{name} {of_seeds([record['score'][name] for record in records])}" for name in records[0]["score"]
    )
    choices = records[0]["choices"]
    seconds = np.mean([record["seconds"] for record in records])
    chosen = ", ".join(f"{name} {choices[name]}" for name in ("lookback", "normalization", "loss") if name in choices)
    seeds = ", ".join(str(record["seed"]) for record in records)
    return [task.name, scores, task.published, f"{records[0]['params']:,}", f"{seconds:.0f}", chosen, seeds]


def main() -> None:
    """Run all tasks and write the page as it grows."""
    folder = Path(sys.argv[1])
    if WORKSPACE.exists():
        shutil.copytree(PROJECT / "conf", WORKSPACE / "conf", dirs_exist_ok=True)
    else:
        make_workspace(WORKSPACE)
    seeds = SEEDS[: int(os.environ.get("SEEDS", len(SEEDS)))]
    rows, commits = [], set()
    for task in tasks():
        wanted = os.environ.get("ONLY", "") in task.name
        ids = [seed for seed in seeds[: task.seeds] if wanted or kept_of(task, seed).exists()]
        records = [run(task, seed, folder) for seed in ids]
        if records:
            rows.append(row(task, records))
            commits |= {str(record["commit"])[:7] for record in records}
            heads = ["table", "score", "published", "parameters", "seconds", "chosen on validation", "seeds"]
            PAGE.write_text(_PAGE.format(table=markdown_table(heads, rows), commits=", ".join(sorted(commits))))


_PAGE = """# Public benchmarks

`make public TABLES=<folder>` measures this again, from unchanged copies of the public files. Every choice is made on
validation, by the run itself: `lookback=auto`, `model_type=gru`, everything else is the default. The test part was
read once for each line and seed, for its score. Commits: {commits}.

{table}

ETT: the first 14,400 rows, 12, 4 and 4 months of 30 days; channels are series, standardised by the first 8,640 rows;
mean over all test windows. fev-bench: the last 20 windows of 168 hours, one training for all of them; MASE with a
season of 24 hours, scaled by the history before each window, and SQL, the loss of the quantiles 0.1 to 0.9 so scaled.
M4: 414 series, 48 hours after their end, MASE with a
season of 24 hours. The published figures are those of the authors, or of the benchmark's public list.
"""


if __name__ == "__main__":
    main()
