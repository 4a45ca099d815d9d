"""Array and table types used in signatures.

Kedro resolves the annotations of every node at start-up. `DataFrame` stands for
pandas' class without importing pandas there: start-up stays fast, and type checkers
still see the real class.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

__all__ = ["Bool", "DataFrame", "Float32", "Float64", "Int8", "Int64"]

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int8 = NDArray[np.int8]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
