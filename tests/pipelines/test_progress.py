"""The bar over epochs."""

import pytest

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
    assert caplog.messages == ["Training run", "Epoch 1 of 97, val loss 1.0000"]


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
    assert "1/97" in capsys.readouterr().err
