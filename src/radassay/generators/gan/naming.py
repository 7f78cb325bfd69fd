"""What a discriminator loses by naming the class wrongly (Odena et al. 2017)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def misnamed(judged: Tensor, classes: Tensor) -> Tensor:
    """Return -L_C, the cross-entropy of what a discriminator guesses the classes to be (Odena et al. 2017, eq. 3).

    Args:
        judged: (n, 1 + k): a score, then what it gives for each class.
        classes: (n,) class numbers.
    """
    return F.cross_entropy(judged[:, 1:], classes)
