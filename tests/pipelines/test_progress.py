"""The bar over epochs."""

import logging
import re
import time

import pytest
from kedro.logging import RichHandler
from rich.console import Console

from spline_lstm.pipelines.modelling.progress import epoch_progress


def test_where_nobody_looks_each_epoch_is_logged_and_no_bar_stands_among_the_errors(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    with epoch_progress("run", epochs=97) as (show_epoch, show_part):
        show_part(0.5)
        show_epoch({"epoch": 1, "loss": 1.0, "val_loss": 1.0})
    written = capsys.readouterr()
    assert written.err == ""
    assert "1/97" not in written.out  # which has the log, where an earlier test has set that up; no date is like it
    assert caplog.messages == ["Epoch 1 of 97, val loss 1.0000"]


def test_of_several_models_at_once_no_epoch_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    monkeypatch.setattr("multiprocessing.parent_process", lambda: "the one that started the workers")
    with epoch_progress("run", epochs=2) as (show_epoch, _):
        show_epoch({"epoch": 1, "loss": 1.0, "val_loss": 1.0})
    assert caplog.messages == []


def test_on_a_terminal_the_bar_shows_the_epochs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setenv("FORCE_COLOR", "1")
    with epoch_progress("run", epochs=97) as (show_epoch, show_part):
        show_part(0.5)
        show_epoch({"epoch": 1, "loss": 1.0, "val_loss": 1.0})
        show_part(1.0)
    assert "1/97" in capsys.readouterr().out


def test_a_log_line_stands_above_the_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    logger = logging.getLogger("above the bar")
    logger.addHandler(RichHandler())
    with epoch_progress("run", epochs=97) as (show_epoch, _):
        show_epoch({"epoch": 0, "loss": None, "val_loss": 1.0})
        logger.warning("a line")
    assert "0/97" in capsys.readouterr().out.partition("a line")[2]


def test_a_narrow_terminal_shortens_the_name_and_not_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("spline_lstm.pipelines.modelling.progress.get_console", lambda: Console(width=80))
    clock = iter(range(0, 6_000, 60))
    monkeypatch.setattr("spline_lstm.pipelines.modelling.progress.time.monotonic", lambda: next(clock))
    with epoch_progress("attention_lstm-multivariate-s2026-0123456789", epochs=12) as (show_epoch, _):
        show_epoch({"epoch": 1, "loss": 1.0, "val_loss": 1.0})
        show_epoch({"epoch": 2, "loss": 1.0, "val_loss": 1.0})
        time.sleep(0.2)  # the bar is drawn ten times a second
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
    assert re.search(r"attention_lstm-multivariate-s… .* 2/12 val loss 1.0000 about 10 minutes left", shown)
