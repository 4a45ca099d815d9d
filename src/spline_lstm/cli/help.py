"""The project's part of `kedro run --help`: the pipelines, the main parameters, and examples."""

import click

from spline_lstm.pipelines.listing import describe_pipelines

PARAMETERS = {
    "input_path": "the table: a CSV or Parquet file, or a folder of Parquet files",
    "covariate_spec": "the schema: what each column of the table is",
    "target_cols": "columns to forecast",
    "model_type": "lstm, gru or attention_lstm",
    "feature_mode": "univariate: the targets only; multivariate: the covariates too",
    "lookback": "past rows that the model sees",
    "horizon": "steps to forecast",
    "epochs": "largest number of epochs; training stops early",
    "seed": "fixes all that is random",
    "export_formats": "any of onnx, tflite and c, or none",
    "run_id": "a name of your own; in forecasting and refit the run to use",
}
"""Those that most people give; conf/base/parameters*.yml has all of them with their defaults."""
EXAMPLES = {
    "kedro run": "table -> trained model -> edge verdict",
    "kedro run --params model_type=gru,epochs=20": "with other settings",
    "kedro run --pipeline=describe --params input_path=shop.csv": "propose settings for a table",
    "kedro run --pipeline=forecasting --params run_id=my-run,input_path=new.csv": "forecast a new table",
    "kedro run --pipeline=benchmarking --runner=ParallelRunner": "compare models, in parallel",
    "kedro run --pipeline=benchmarking --only-missing-outputs": "continue after an interruption",
    "kedro run --env ci": "a small test that everything runs",
}


def write_overview(formatter: click.HelpFormatter) -> None:
    """Write the help below the options."""
    with formatter.section("Pipelines (--pipeline=NAME; the main job without one)"):
        formatter.write_dl(sorted(describe_pipelines().items()))
    with formatter.section("Main parameters (--params name=value,...; all: conf/base/parameters*.yml)"):
        formatter.write_dl(list(PARAMETERS.items()))
    with formatter.section("Examples"):
        for command, purpose in EXAMPLES.items():
            formatter.write_text(f"# {purpose}")
            formatter.write_text(command)
