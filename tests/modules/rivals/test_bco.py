import torch

from diiqn_lightning import keys
from diiqn_lightning.modules import BCO
from diiqn_lightning.modules.labelling import LabellerSettings
from diiqn_lightning.optimizer import LeanAdam


def make(**options):
    torch.manual_seed(0)
    return BCO((2,), 2, hidden=[16], optimizer=lambda parameters: LeanAdam(parameters, lr=1e-2), **options)


def test_the_policy_clones_what_is_known(batch, stepper):
    module = make()
    batch[keys.EXPERT_VALID][:, 0] = False
    batch[keys.EXPERT_ACTION][:, 0] = 0
    batch[keys.EXPERT_OBSERVATION][:, 0] = torch.tensor([1.0, 1.0])  # like others whose action is 1
    run = stepper(module)
    for _ in range(200):
        run.step(batch)
    expert = batch[keys.EXPERT].flatten(0, 1)
    right = module.greedy(expert["observation"]) == expert["action"]
    assert torch.equal(right, expert["valid"])


def test_nothing_is_rated_and_no_reward_is_seen(batch, stepper):
    assert not hasattr(make(), "target")
    weights = []
    for reward in (2.0, -7.0):
        module = make(labeller=LabellerSettings(hidden=[8]))
        batch[keys.REWARD].fill_(reward)
        stepper(module).step(batch)
        weights.append(torch.cat([parameter.flatten() for parameter in module.parameters()]).detach())
    assert torch.equal(*weights)


def test_the_inverse_model_learns_until_it_is_told_to_stop(batch, stepper):
    for until, frames, learns in ((100, 100, True), (100, 101, False), (None, 101, True)):
        module = make(labeller=LabellerSettings(hidden=[8], until=until))
        stepper(module, frames=frames)
        assert ("loss/labeller" in module.batch_losses(batch)) == learns
