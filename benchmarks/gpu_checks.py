"""Whether a device computes what the CPU does: the same batch, the same weights (part of ``benchmarks.gpu``)."""

from contextlib import contextmanager
from copy import deepcopy

import torch

from benchmarks.gpu_variants import autocast, learn, prepare
from benchmarks.updates import guided_batch
from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import pairwise
from diiqn_lightning.callbacks.expert_data import ExpertData

TOLERANCES = {
    "outputs": 1e-4,  # of the Q-network, relative to the largest
    "targets": 1e-4,  # relative to the largest
    "losses": 1e-3,  # relative, of the first update
    "update": 1e-2,  # of the weights' change in one update, relative, both as Euclidean norms
    "label_probabilities": 1e-3,  # absolute
    "label_actions": 1e-3,  # share of labels that differ: two actions may be as probable
    "neighbour_distances": 0.0,  # of binary states these are whole numbers
}
"""Largest difference of each quantity in float32, whose sums in another order differ by 1e-6 or so of their terms."""

LABELLED, SEARCHED = 2_000, 64
"""Transitions of the expert's that are labelled, and states of the agent's whose neighbours are searched."""


@contextmanager
def full_float32():
    """Convolutions in float32: cuDNN takes TF32 by default, with three digits."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def compare(config, device, variant, batch_size=32, options=()):
    """Differences between the device and the CPU by quantity; those of labels and neighbours only where there are any.

    Args:
        config: of the run.
        device: that is compared.
        variant: how it computes the update, one of :data:`benchmarks.gpu_variants.VARIANTS`; the CPU's way is eager.
        batch_size: transitions of the update.
        options: further ones of ``fit``.
    """
    with full_float32():
        run, batch = guided_batch([config], batch_size, options=options)
        copy, _ = guided_batch([config], batch_size, device=device, options=options)
        copy.lightning_module.load_state_dict(run.lightning_module.state_dict())
        copy.lightning_module.updates = run.lightning_module.updates
        # On the same device torch would share the moments.
        copy.optimizers[0].load_state_dict(deepcopy(run.optimizers[0].state_dict()))
        prepare(copy.lightning_module, variant)
        batch = batch[:1]
        seen = [_learn(run, batch.clone(), "eager"), _learn(copy, batch.clone().to(device), variant)]
        found = {name: _relative(*(each[name] for each in seen)) for name in seen[0]}
        found |= _labels(run, copy, device) | _neighbours(run, batch, device)
    run.close()
    copy.close()
    return found


def _learn(run, batch, variant):
    """One update: what the network says before, targets, loss, and how the weights change."""
    module = run.lightning_module
    with torch.no_grad(), autocast(module, variant):
        output = module.online(batch.get(keys.OBSERVATION).flatten(0, 1)).float()
    before = torch.cat([weight.detach().flatten().clone() for weight in module.parameters()])
    outputs = learn(module, batch, variant)
    after = torch.cat([weight.detach().flatten() for weight in module.parameters()])
    losses = torch.stack([value for name, value in sorted(outputs.items()) if name.startswith("loss")])
    seen = {"outputs": output, "targets": batch.get(keys.TARGET), "losses": losses, "update": after - before}
    return {name: value.cpu() for name, value in seen.items()}


def _relative(wanted, found):
    """Largest difference over the largest entry; of the long vector of changes, norms in place of largest entries."""
    size = torch.linalg.vector_norm if wanted.numel() > 10_000 else lambda values: values.abs().max()
    return float(size(found - wanted) / size(wanted).clamp(min=1e-12))


def _labels(run, copy, device):
    if getattr(run.lightning_module, "labeller_settings", None) is None:
        return {}
    states, history = ExpertData.of(run).states, run.lightning_module.labeller_settings.history
    some = torch.arange(min(LABELLED, states.num_transitions))
    seen = [states.observation(some), states.next_observation(some)]
    seen += [states.preceding(some, history)] if history else []
    wanted = run.lightning_module.labeller.label(*seen)
    found = copy.lightning_module.labeller.label(*(part.to(device) for part in seen))
    return {
        "label_probabilities": float((found.probability.cpu() - wanted.probability).abs().max()),
        "label_actions": float((found.action.cpu() != wanted.action).float().mean()),
    }


def _neighbours(run, batch, device, count=5):
    """Distances of the nearest expert states, which ties cannot change."""
    if not any(isinstance(callback, ExpertData) for callback in run.callbacks):
        return {}
    reference = ExpertData.of(run).states.states.flatten(1).float()
    queries = batch.get(keys.OBSERVATION).flatten(0, 1).flatten(1)[:SEARCHED]
    count = min(count, len(reference))
    nearest = [
        pairwise(queries.to(place), reference.to(place), "hamming").topk(count, largest=False).values.cpu()
        for place in ("cpu", device)
    ]
    return {"neighbour_distances": float((nearest[0] - nearest[1]).abs().max())}
