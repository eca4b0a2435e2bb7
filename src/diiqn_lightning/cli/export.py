"""``export``: a trained policy as ONNX and as a program of torch, with a model card."""

import argparse
from pathlib import Path

from diiqn_lightning.cli.verb import add_agent, verb_parser
from diiqn_lightning.errors import require_positive

EXAMPLES = """examples
  python -m diiqn_lightning export runs/diiqn/breakout/0 --out exported
  python -m diiqn_lightning export runs/diiqn/breakout/0/checkpoints/last --out exported

The folder then holds policy.onnx, policy.pt2, config.yaml, and README.md: a model card with what the run measured,
and code that runs either file. Both take observations [B, ...] as the environment gives them, for any B, and return
actions [B] int64 and the values that chose them, [B, A] float32.
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "export",
        "Write the greedy policy of a trained agent as ONNX and as a program of torch (torch.export), read both again, "
        "compare them with the agent on states of its environment, and describe them in a model card.",
        EXAMPLES,
    )
    add_agent(options)
    options.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write; new or empty")
    options.add_argument("--states", type=int, default=200, help="the environment's states to compare on (200)")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.cli.output import check_new_folder, new_folder
    from diiqn_lightning.report import exported

    require_positive(**{"--states": options.states})
    check_new_folder("--out", options.out)
    exported.check_packages()

    from diiqn_lightning.cli.agents import checkpoint_in, load_agent
    from diiqn_lightning.modules.greedy_policy import GreedyPolicy
    from diiqn_lightning.report.model_card import ModelCard, shared_config

    checkpoint = checkpoint_in(options.source)
    agent = load_agent(checkpoint, options.env)
    card = ModelCard(checkpoint, agent.model, agent.datamodule)
    policy = GreedyPolicy(agent.model.cpu())
    states = exported.environment_states(agent.datamodule, policy, max(2, options.states))
    with new_folder("--out", options.out) as folder:
        exported.write_policy(policy, states[:2], folder)
        comparison = exported.compare(policy, folder, states)
        (folder / "config.yaml").write_text(shared_config(checkpoint))
        (folder / "README.md").write_text(card.text(comparison))
        names = sorted(path.name for path in folder.iterdir())
    largest = max(comparison.difference.values())
    others = max(comparison.other_actions.values())
    print(f"{comparison.states} states: {others} other actions than the agent's, values within {largest:.1g}")
    print("\n".join(str(options.out / name) for name in names))
    return 0
