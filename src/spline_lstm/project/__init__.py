"""Kedro's context and catalog, the parameters, and the plan of cells and folds."""
