"""The project's options beside Lightning's, and what they set elsewhere."""

from lightning.pytorch.cli import LightningArgumentParser

from diiqn_lightning.callbacks.action_inference import ActionInference, NearestTransition  # noqa: F401 - named in configurations
from diiqn_lightning.callbacks.bridge_snapshots import BridgeFigureSettings
from diiqn_lightning.callbacks.bridging import Bridging
from diiqn_lightning.callbacks.checkpoint import CheckpointSettings
from diiqn_lightning.callbacks.expert_distance import ExpertDistance
from diiqn_lightning.callbacks.expert_sampling import ExpertSampling
from diiqn_lightning.callbacks.expert_visits import ExpertVisits
from diiqn_lightning.callbacks.feasibility import Feasibility
from diiqn_lightning.callbacks.learned_labels import LearnedLabels  # noqa: F401 - named in configurations
from diiqn_lightning.callbacks.metrics import TrainingMetrics
from diiqn_lightning.callbacks.true_actions import TrueActions  # noqa: F401 - named in configurations
from diiqn_lightning.callbacks.video import VideoSettings
from diiqn_lightning.callbacks.wandb_logger import WandbSettings

FROM_DATA = ("observation_shape", "num_actions")
"""Arguments of the model that the environment gives, once it is built."""


def add_options(parser: LightningArgumentParser) -> None:
    """Add the options of a run to the parser of a verb."""
    parser.add_argument(
        "--max_frames", type=int, default=500_000, help="Environment frames of the whole run, over all processes."
    )
    parser.add_argument(
        "--run_dir",
        type=str | None,
        default=None,
        help="The run's folder. Default: runs/ALGORITHM/ENVIRONMENT/SEED-TIME.",
    )
    parser.add_argument(
        "--fresh_data",
        type=bool,
        default=False,
        help="With --ckpt_path: go on from its weights, optimizer and frames alone, and begin replay, episodes and all "
        "inference about the expert anew. Allows another number of processes, another dataset, other sizes of data.*.",
    )
    parser.add_argument(
        "--algorithm",
        type=str | None,
        default=None,
        help="Name of the algorithm in reports. Default: that of the first configuration file.",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="Threads of torch in each process. One is fastest at batches of 32; with configs/trainer/fast.yaml two "
        "are faster, where a processor is free for each.",
    )
    parser.add_argument(
        "--expert",
        type=str | None,
        default=None,
        help="Expert dataset: weak, medium, strong or random (shipped, by environment), or a file's path. "
        "Algorithms that learn from no expert leave it aside.",
    )
    parser.add_argument(
        "--expert_transitions",
        type=int | None,
        default=None,
        help="Use only the first whole episodes of the dataset that hold so many transitions.",
    )
    parser.add_argument(
        "--action_inference",
        type=ActionInference | None,
        default=None,
        help="How the expert's actions are inferred: NearestTransition or LearnedLabels (or TrueActions, an oracle); "
        "null infers nothing.",
    )
    parser.add_argument(
        "--expert_sampling",
        type=ExpertSampling | None,
        default=None,
        help="Callback that chooses expert transitions for each update; null turns it off.",
    )
    parser.add_argument(
        "--expert_visits",
        type=ExpertVisits | None,
        default=None,
        help="Callback that counts visits for the confidence; null turns it off.",
    )
    parser.add_argument(
        "--expert_distance",
        type=ExpertDistance | None,
        default=None,
        help="Callback that finds each frame's distance to the expert (SEABO); null turns it off.",
    )
    parser.add_argument(
        "--feasibility",
        type=Feasibility | None,
        default=None,
        help="Callback that finds expert transitions which the agent's actions cannot make (HADIIQN).",
    )
    parser.add_argument(
        "--bridging",
        type=Bridging | None,
        default=None,
        help="Callback that bridges them with paths of the agent's own (HADIIQN).",
    )
    parser.add_argument(
        "--bridge_figure",
        type=BridgeFigureSettings | None,
        default=None,
        help="Picture of the bridges at several times, in environments that have a map; null draws none.",
    )
    parser.add_class_arguments(TrainingMetrics, "metrics")
    parser.add_class_arguments(CheckpointSettings, "checkpoint")
    parser.add_argument(
        "--video",
        type=VideoSettings | None,
        default=None,
        help="Video of an evaluation episode; null records none.",
    )
    parser.add_argument(
        "--wandb", type=WandbSettings | None, default=None, help="Weights & Biases; null logs to files alone."
    )
    parser.link_arguments("max_frames", "data.max_frames")
    parser.link_arguments("seed_everything", "data.seed")
    for name in FROM_DATA:
        parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
