"""Weights are read out of any checkpoint, and nothing in it is ever run."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from radassay.encoders.state import read_state
from radassay.errors import InputError

RAN = Path("/tmp") / f"radassay-ran-{os.getpid()}"


class Network(nn.Module):
    """A network with what old checkpoints hold besides tensors."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.head = nn.Linear(4, 2)
        self.activation = torch.relu
        self.classes = {"effusion", "mass"}
        self.thresholds = np.arange(3.0)
        self.register_buffer("limits", torch.ones(2))


class Calls:
    """Unpickled, it would make a folder."""

    def __init__(self, function, given):
        self.call = function, given

    def __reduce__(self):
        return self.call


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network()


@pytest.mark.parametrize(
    ("wrapped", "zipped"),
    [
        (lambda n: n, True),
        (lambda n: n.state_dict(), True),
        (lambda n: n.state_dict(), False),
        (lambda n: {"state_dict": n.state_dict()}, True),
        (lambda n: {"state_dict": n.state_dict()}, False),
    ],
)
def test_tensors_come_out_of_networks_and_of_states(network, tmp_path, wrapped, zipped):
    torch.save(wrapped(network), tmp_path / "it.pt", _use_new_zipfile_serialization=zipped)
    state = read_state(tmp_path / "it.pt")
    assert state.keys() == network.state_dict().keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())


def test_a_whole_network_in_the_old_format_is_refused_with_a_way_out(network, tmp_path):
    torch.save(network, tmp_path / "it.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match="save its `state_dict"):
        read_state(tmp_path / "it.pt")


def test_safetensors_are_read(network, tmp_path):
    save_file(network.state_dict(), tmp_path / "it.safetensors")
    assert read_state(tmp_path / "it.safetensors").keys() == network.state_dict().keys()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "call",
    [
        Calls(os.mkdir, (str(RAN),)),
        Calls(eval, (f"__import__('os').mkdir({str(RAN)!r})",)),
        Calls(exec, (f"import os; os.mkdir({str(RAN)!r})",)),
        Calls(getattr, (Calls(__import__, ("os",)), "mkdir")),
    ],
)
def test_what_a_checkpoint_would_call_is_not_called(network, tmp_path, call, zipped):
    for held in ({"weight": torch.ones(2), "more": call}, [call], call):
        torch.save(held, tmp_path / "evil.pt", _use_new_zipfile_serialization=zipped)
        with suppress(InputError):
            assert set(read_state(tmp_path / "evil.pt")) == {"weight"}
        assert not RAN.exists()
    network.features.hook = call
    torch.save(network, tmp_path / "evil.pt", _use_new_zipfile_serialization=zipped)
    with suppress(InputError):
        assert read_state(tmp_path / "evil.pt").keys() == network.state_dict().keys()
    assert not RAN.exists()
    with pytest.raises(FileNotFoundError):
        RAN.rmdir()


def test_the_danger_is_real(tmp_path):
    torch.save(Calls(os.mkdir, (str(RAN),)), tmp_path / "evil.pt")
    torch.load(tmp_path / "evil.pt", weights_only=False)
    assert RAN.exists()
    RAN.rmdir()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 no zip", b"\x80\x02]q\x00."])
@pytest.mark.parametrize("name", ["it.pth", "it.safetensors"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="holds no"):
        read_state(tmp_path / name)


def test_a_checkpoint_cut_short_is_refused(network, tmp_path):
    for zipped in (True, False):
        torch.save(network, tmp_path / "whole.pt", _use_new_zipfile_serialization=zipped)
        whole = (tmp_path / "whole.pt").read_bytes()
        (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError):
            read_state(tmp_path / "cut.pt")


def test_a_program_is_no_checkpoint(tmp_path):
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "program.pt")
    with pytest.raises(InputError, match="holds no weights"):
        read_state(tmp_path / "program.pt")
