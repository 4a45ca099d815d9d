"""The forecasts as a spreadsheet gets them."""

import numpy as np
import pandas as pd

from spline_lstm.pipelines.forecasting.nodes import _for_spreadsheets


def test_infinite_bounds_are_empty_and_formulas_are_text() -> None:
    names = pd.Categorical(["=1+1", "shop", "@x"])
    table = pd.DataFrame({"series_id": names, "target": pd.Categorical(["y"] * 3), "upper_80": [1.0, np.inf, -np.inf]})
    assert _for_spreadsheets(table).to_csv(index=False).splitlines()[1:] == ["'=1+1,y,1.0", "shop,y,", "'@x,y,"]
