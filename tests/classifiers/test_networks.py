"""Several networks in one pass learn what each learns alone."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from radassay.classifiers.networks import Networks

SEEDS = (3, 14, 15)


def learnt(networks, pixels, targets, steps=12):
    """Return (n, k) logits after some steps in double precision, where rounding cannot hide a leak."""
    networks = networks.double()
    optimiser = torch.optim.AdamW(networks.parameters(), lr=3e-3, weight_decay=1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        losses = binary_cross_entropy_with_logits(networks(pixels), targets, reduction="none")
        losses.mean(dim=0).sum().backward()
        optimiser.step()
    return networks.judge(pixels)


@pytest.mark.parametrize("size", [16, 96])
def test_networks_side_by_side_are_networks_alone(size):
    source = torch.Generator().manual_seed(0)
    pixels = torch.randn((6, 3, size, size), generator=source, dtype=torch.float64)
    targets = torch.rand((6, 3), generator=source, dtype=torch.float64).round()
    together = learnt(Networks((2, 3), size, SEEDS), pixels, targets)
    alone = [learnt(Networks((2, 3), size, [s]), pixels[:, [i]], targets[:, [i]]) for i, s in enumerate(SEEDS)]
    torch.testing.assert_close(together, torch.cat(alone, dim=1), rtol=1e-9, atol=1e-11)
    assert together.std() > 0.01


def test_folded_normalisation_is_normalisation():
    networks = Networks((4, 6), 32, SEEDS)
    pixels = torch.randn((10, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        networks(pixels)
    networks.eval()
    torch.testing.assert_close(networks.judge(pixels), networks(pixels).detach(), rtol=1e-4, atol=1e-5)


def test_one_network_is_put_back_and_the_others_stay():
    networks = Networks((4, 6), 32, SEEDS)
    pixels = torch.randn((10, 3, 32, 32), generator=torch.Generator().manual_seed(2))
    before, kept = networks.judge(pixels), networks.copy_of(1)
    networks(pixels)
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.add_(0.1)
    moved = networks.judge(pixels)
    networks.put_back(1, kept)
    after = networks.judge(pixels)
    assert torch.equal(after[:, 1], before[:, 1])
    assert torch.equal(after[:, [0, 2]], moved[:, [0, 2]])
    assert not torch.equal(moved, before)
