"""The Kedro project: its context, catalog and parameters, and the plan of cells and folds."""
