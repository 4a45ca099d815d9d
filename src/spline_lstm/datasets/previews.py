"""What datasets show in kedro-viz, which goes by the names of these types."""

from typing import Any, NewType

JSONPreview = NewType("JSONPreview", str)
PlotlyPreview = NewType("PlotlyPreview", dict[str, Any])
TablePreview = NewType("TablePreview", dict[str, Any])
