"""Pictures as plug-ins are given them."""

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""(n, size, size) grey values in [0, 1]."""
