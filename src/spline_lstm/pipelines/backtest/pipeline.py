"""Wiring of the backtest: one preprocessing and one modelling for each fold, and one table."""

from functools import partial

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines import modelling
from spline_lstm.pipelines.backtest.nodes import InFold, fill_fold, join_folds, plan_folds
from spline_lstm.pipelines.plan import current_plan
from spline_lstm.pipelines.preprocessing.pipeline import window_filled_series
from spline_lstm.pipelines.wrapping import wrap_node


def create_pipeline() -> Pipeline:
    """From the raw table to the scores of every fold; without folds, only the first and the last node."""
    folds = current_plan().folds
    plan = Node(
        plan_folds,
        ["raw_table", "covariate_schema", *_groups("table", "fills", "windows", "backtest")],
        "fold_cuts",
        name="plan_folds",
    )
    join = Node(
        join_folds,
        {"metrics": "metrics"} | {name: name for fold in folds for name in (f"{fold}.metrics", f"{fold}.predictions")},
        ["backtest", "backtest_report", "backtest_page"],
        name="join_folds",
    )
    return sum((_fold(fold) for fold in folds), start=Pipeline([plan, join]))


def _fold(fold: str) -> Pipeline:
    """Wire one fold: fits, choices and training see only its own part of the series."""
    fill = Node(
        fill_fold,
        ["raw_table", "covariate_schema", "fold_cuts", *_groups("table", "fills", "windows", "number")],
        "series",
        name="fill_fold",
    )
    reused = [
        window_filled_series(),
        *modelling.create_pipeline().only_nodes("train_model", "evaluate_model").nodes,
    ]
    groups = {name: f"params:{name}" for name in ("table", "fills", "model", "training", "evaluation")}
    return Pipeline(
        [wrap_node(node, partial(InFold, fold)) for node in (fill, *reused)],
        namespace=fold,
        inputs={"raw_table", "covariate_schema", "fold_cuts"},
        parameters={f"params:{name}": source for name, source in groups.items()}
        | {f"params:{name}": f"params:folds.{fold}.{name}" for name in ("windows", "run", "number")},
    )


def _groups(*names: str) -> list[str]:
    return [f"params:{name}" for name in names]
