"""What stands beside frames of how far from the expert they are."""

from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict

from diiqn_lightning import keys
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.expert_distance import ExpertDistance
from diiqn_lightning.experts import ExpertDataset, ExpertStates, files


@pytest.mark.parametrize(("distance", "expected"), [("hamming", 3.0), ("l2", 3**0.5)])
@pytest.mark.parametrize("dtype", [torch.bool, torch.float32])
def test_one_entry_of_s_and_two_of_the_next_differ(distance, expected, dtype, tmp_path):
    states = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0]]).to(dtype)
    files.save(ExpertDataset(ExpertStates(states, torch.tensor([2])), None, {}), tmp_path / "one.expert")
    callback = ExpertDistance(distance)
    callback.setup(SimpleNamespace(callbacks=[ExpertData(str(tmp_path / "one.expert"))]), None, "fit")
    observation, following = torch.tensor([[1, 0, 0, 1]]).to(dtype), torch.tensor([[0, 0, 1, 0]]).to(dtype)
    frames = TensorDict({keys.OBSERVATION: observation, "next": {"observation": following}}, [1])
    callback.on_frames(frames)
    torch.testing.assert_close(frames[keys.EXPERT_DISTANCE], torch.tensor([expected]))
