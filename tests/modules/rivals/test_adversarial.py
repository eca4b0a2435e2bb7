import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import ORIL, RILO, GAIfO
from diiqn_lightning.modules.rivals.discriminator import DiscriminatorSettings
from diiqn_lightning.networks import side_by_side

QUICK = DiscriminatorSettings(hidden=[16], learning_rate=1e-2)


def make(kind, **options):
    torch.manual_seed(0)
    return kind((2,), 2, discriminator=QUICK, **options)


@pytest.mark.parametrize("kind", [GAIfO, ORIL])
def test_the_experts_transitions_come_to_be_told_apart(kind, batch, stepper):
    torch.manual_seed(0)
    settings = DiscriminatorSettings(hidden=[16], learning_rate=1e-2, gradient_penalty=1.0)
    module = kind((2,), 2, discriminator=settings)
    run = stepper(module)
    for _ in range(100):
        outputs = run.step(batch)
    assert outputs["imitation/expert_probability"].min() > outputs["imitation/agent_probability"].max() + 0.2


@pytest.mark.parametrize(
    ("kind", "form", "reward"),
    [
        (GAIfO, "logit", lambda logit: logit),
        (ORIL, "probability", torch.sigmoid),
        (RILO, "logit", lambda logit: 2.0 + 0.5 * logit),  # the environment's reward is 2 throughout
    ],
)
def test_targets_are_of_the_replaced_reward(kind, form, reward, batch, stepper):
    options = {"imitation_weight": 0.5} if kind is RILO else {}
    module = make(kind, discount=0.0, reward=form, **options)
    pair = side_by_side(batch[keys.OBSERVATION].flatten(0, 1), batch[keys.NEXT_OBSERVATION].flatten(0, 1))
    logit = module.discriminator(pair).detach().view(2, 4)
    run = stepper(module)
    run.step(batch)
    assert_close(run.batch[keys.TARGET], reward(logit))


def test_rewards_are_bounded(batch, stepper):
    module = make(GAIfO, largest_reward=0.01)
    torch.nn.init.constant_(module.discriminator.head.bias, -9.0)
    assert_close(module.imitation_reward(batch), torch.full((2, 4), -0.01))


def test_the_penalty_flattens_the_discriminator(batch, stepper):
    slopes = []
    for weight in (0.0, 10.0):
        torch.manual_seed(0)
        settings = DiscriminatorSettings(hidden=[16], learning_rate=1e-2, gradient_penalty=weight)
        module = GAIfO((2,), 2, discriminator=settings)
        run = stepper(module)
        for _ in range(150):
            run.step(batch)
        pair = torch.full((1, 4), 0.5, requires_grad=True)
        (slope,) = torch.autograd.grad(module.discriminator(pair).sum(), pair)
        slopes.append(float(slope.norm()))
    assert slopes[1] < 1.5 < 3 < slopes[0]


def test_an_expert_cannot_be_told_from_itself(stepper, batch):
    # Fresh draws from one distribution on both sides: the discriminator stays at chance.
    module = make(GAIfO)
    run, generator = stepper(module), torch.Generator().manual_seed(1)

    def drawn():
        fresh = batch.clone()
        for key in (
            keys.OBSERVATION,
            keys.NEXT_OBSERVATION,
            keys.EXPERT_OBSERVATION,
            keys.EXPERT_NEXT_OBSERVATION,
        ):
            fresh[key] = torch.rand(2, 4, 2, generator=generator)
        return fresh

    for _ in range(200):
        run.step(drawn())
    expert, agent, _ = module.discriminator.logits(torch.cat([drawn() for _ in range(100)]))
    probability = torch.sigmoid(torch.cat([expert, agent])).detach()
    assert 0.3 < float(probability.quantile(0.05)) < float(probability.quantile(0.95)) < 0.7


def test_oril_does_not_hold_it_against_the_agents_good_half_that_it_is_the_agents(stepper, batch):
    # Half of the agent's transitions are as the expert's, half are elsewhere. A classifier of whose they are comes to
    # 1 / (1 + ½) for the good ones; what is known of half of them lets ORIL tell good from bad instead.
    judged = {}
    for kind, options in ((GAIfO, {}), (ORIL, {"prior": 0.5})):
        run, generator = stepper(module := make(kind, **options)), torch.Generator().manual_seed(2)
        for _ in range(400):
            fresh = batch.clone()
            for key in (keys.OBSERVATION, keys.EXPERT_OBSERVATION):
                states = torch.rand(2, 4, 2, generator=generator)
                states[..., 0] = 1.0
                if key == keys.OBSERVATION:
                    states[:, 2:, 0] = 0.0
                fresh[key] = states
            fresh[keys.NEXT_OBSERVATION], fresh[keys.EXPERT_NEXT_OBSERVATION] = (
                fresh[keys.OBSERVATION], fresh[keys.EXPERT_OBSERVATION],
            )  # fmt: skip
            run.step(fresh)
        probability = torch.sigmoid(module.discriminator.judge(fresh))
        judged[kind] = probability[:, :2].mean(), probability[:, 2:].mean()
    assert 0.55 < judged[GAIfO][0] < 0.78
    assert judged[ORIL][0] > 0.9
    assert max(bad for _, bad in judged.values()) < 0.1


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (GAIfO, {"reward": "cosine"}, "model.reward is 'cosine'"),
        (GAIfO, {"largest_reward": 0.0}, "model.largest_reward is 0"),
        (ORIL, {"prior": 1.5}, "model.prior is 1.5"),
    ],
)
def test_wrong_settings(kind, options, sentence):
    with pytest.raises(InputError, match=sentence):
        kind((2,), 2, **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"learning_rate": 0.0}, "model.discriminator.learning_rate is 0"),
        ({"gradient_penalty": -1.0}, "model.discriminator.gradient_penalty is -1"),
        ({"transitions": 0}, "model.discriminator.transitions is 0"),
    ],
)
def test_wrong_discriminators(options, sentence):
    with pytest.raises(InputError, match=sentence):
        DiscriminatorSettings(**options)
