"""Ways to compute an update on a device (part of ``benchmarks.gpu``)."""

import torch

VARIANTS = ("eager", "bf16", "cuda_graphs")
"""As runs do it; under autocast to bfloat16; losses and gradients compiled in the mode reduce-overhead."""


def prepare(module, variant):
    """Change a module in place, once, for a variant."""
    if variant != "cuda_graphs":
        return
    compiled = torch.compile(module.losses, mode="reduce-overhead")

    def losses(update):
        torch.compiler.cudagraph_mark_step_begin()
        outputs = compiled(update)
        # What a graph gives lies where its next replay writes.
        for key in module.written:
            update.set(key, update.get(key).clone())
        return {name: value.clone() for name, value in outputs.items()}

    module.losses = losses


def autocast(module, variant):
    """The precision of a variant, as a context."""
    return torch.autocast(module.device.type, torch.bfloat16, enabled=variant == "bf16")


def learn(module, batch, variant):
    """The updates of a batch ``[U, B]``, finished when this returns."""
    with autocast(module, variant):
        outputs = module.training_step(batch, 0)
    if module.device.type == "cuda":
        torch.cuda.synchronize()
    return outputs
