"""``fit``, ``validate`` and ``test``: Lightning's command line with this project's blocks."""

import hashlib
import json
import logging
import os
import shlex
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import torch
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from diiqn_lightning import modules
from diiqn_lightning.arithmetic import set_up_arithmetic
from diiqn_lightning.callbacks.action_inference import ActionInference, LearnedLabels, NearestTransition  # noqa: F401 - named in configurations
from diiqn_lightning.callbacks.checkpoint import (
    MODEL,
    CheckpointSettings,
    RunCheckpoint,
    RunInterrupted,
    check_identity,
    read_manifest,
)
from diiqn_lightning.callbacks.csv_logger import MetricsCSV
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.expert_sampling import ExpertSampling
from diiqn_lightning.callbacks.expert_visits import ExpertVisits
from diiqn_lightning.callbacks.frame_budget import FrameBudget
from diiqn_lightning.callbacks.health import RunHealth
from diiqn_lightning.callbacks.inference_quality import InferenceQuality
from diiqn_lightning.callbacks.metrics import TrainingMetrics
from diiqn_lightning.callbacks.priorities import PriorityUpdate
from diiqn_lightning.callbacks.progress import FrameProgress
from diiqn_lightning.callbacks.video import EvaluationVideo, VideoSettings
from diiqn_lightning.callbacks.wandb_logger import WandbSettings, make_wandb_logger
from diiqn_lightning.cli.messages import cause_of, one_sentence
from diiqn_lightning.compatibility import check_torchrl
from diiqn_lightning.data import ReplayDataModule
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.names import environment_name, expert_source
from diiqn_lightning.report.run_folder import RunFolder
from diiqn_lightning.report.summary import evaluation_table, finish_run

TRAINER_DEFAULTS: dict[str, Any] = {
    "logger": False,
    "max_epochs": -1,  # the run ends by frames, see FrameBudget
    "reload_dataloaders_every_n_epochs": 1,  # the stream sets each epoch's length
    "num_sanity_val_steps": 0,
    "use_distributed_sampler": False,
    "enable_progress_bar": False,  # FrameProgress counts frames
    "enable_model_summary": False,
}
"""Settings of the Trainer that the design relies on."""


NEEDS_EXPERT = ("DIIQN",)
"""Modules that cannot learn without the callbacks of the expert's side."""


STRUCTURE = (
    "data.num_envs",
    "data.replay_capacity",
    "data.prioritized",
    "model.init_args.hidden",
    "model.init_args.value_head",
    "model.init_args.labeller.hidden",
    "model.init_args.shaping",
    "action_inference.class_path",
    "expert_sampling.expert_draw",
)
"""Options that shape what a checkpoint holds: a resumed run must have the same ones."""


class OneSentenceParser(LightningArgumentParser):
    """Answers bad arguments with one sentence and exit code 2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A misspelt option must not pass for the beginning of another one.
        super().__init__(*args, **(kwargs | {"allow_abbrev": False}))

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the sentence; ``__main__`` prints it."""
        if isinstance(cause := ex and cause_of(ex, InputError), InputError):
            raise cause
        raise ParsingError(one_sentence(message))


class ParsingError(InputError):
    """A refused command line or configuration file."""

    def __init__(self, sentence: str) -> None:
        ValueError.__init__(self, sentence)


class TrainingCLI(LightningCLI):
    """Lightning's command line plus frames, run folder, expert and callback blocks."""

    expert_facts: dict[str, Any] | None = None
    """Name, skill, content hash and return of the run's expert."""

    def __init__(self, args: list[str], build_only: bool = False) -> None:
        self.arguments, self.build_only = args, build_only
        super().__init__(
            model_class=modules.DQN,
            subclass_mode_model=True,
            datamodule_class=ReplayDataModule,
            seed_everything_default=0,
            save_config_callback=None,
            trainer_defaults=TRAINER_DEFAULTS,
            auto_configure_optimizers=False,
            parser_class=OneSentenceParser,
            args=args,
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """``fit``, ``validate`` and ``test``."""
        return {verb: skipped for verb, skipped in LightningCLI.subcommands().items() if verb != "predict"}

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The seed is always a number: a run that cannot be repeated is of no use."""
        parser.add_argument("--seed_everything", type=int, default=0, help="Seed of the whole run.")

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The project's options."""
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
            "--algorithm",
            type=str | None,
            default=None,
            help="Name of the algorithm in reports. Default: that of the first configuration file.",
        )
        parser.add_argument(
            "--threads",
            type=int,
            default=1,
            help="Threads of torch in each process; one is fastest for networks of this size.",
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
            help="How the expert's actions are inferred: NearestTransition or LearnedLabels; null infers nothing.",
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
        parser.link_arguments("data.observation_shape", "model.init_args.observation_shape", apply_on="instantiate")
        parser.link_arguments("data.num_actions", "model.init_args.num_actions", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse what ``main`` was given, and not ``sys.argv``."""
        self.config = parser.parse_args(args)

    # From the configuration to a run.

    def _run_subcommand(self, subcommand: str) -> None:
        if not self.build_only:
            super()._run_subcommand(subcommand)

    def before_instantiate_classes(self) -> None:
        """Refuse a run's folder before anything is built; name the algorithm."""
        config = self.config[self.subcommand]
        if config.threads < 1:
            raise InputError("threads", config.threads, "give a whole number of at least 1")
        if config.trainer.gradient_clip_val is not None or config.trainer.accumulate_grad_batches != 1:
            raise InputError(
                "trainer.gradient_clip_val, trainer.accumulate_grad_batches",
                [config.trainer.gradient_clip_val, config.trainer.accumulate_grad_batches],
                "leave both out: a batch holds several updates, which Lightning cannot clip or accumulate",
            )
        set_up_arithmetic(config.threads)
        if config.algorithm is None:
            config.algorithm = (
                Path(config.config[0].relative).stem
                if config.config
                else config.model.class_path.split(".")[-1].lower()
            )
        self.environment = environment_name(config.data.env)
        if self.subcommand != "fit" and not self.build_only:
            if config.ckpt_path is None:
                raise InputError("ckpt_path", None, "name the checkpoint to play: RUN/checkpoints/last/model.ckpt")
            read_manifest(Path(config.ckpt_path).parent)
        if self.subcommand == "fit":
            self._check_blocks(config)
            self.folder = self._prepare_folder(config)

    def _check_blocks(self, config: Any) -> None:
        """Refuse blocks that do not go together, before anything is built."""
        if config.model.class_path.rsplit(".", 1)[-1] in NEEDS_EXPERT:
            for block in ("expert", "action_inference", "expert_sampling", "expert_visits"):
                if config[block] is None:
                    raise InputError(
                        block, None, "configure it, this algorithm learns from an expert (see configs/diiqn.yaml)"
                    )
            return
        for block in ("action_inference", "expert_sampling", "expert_visits"):
            if config[block] is not None:
                raise InputError(block, "configured", "leave it out, this algorithm learns from no expert")
        config.expert = None  # configs/env/*.yaml names one for the algorithms that do

    def _prepare_folder(self, config: Any) -> RunFolder:
        main_process = not is_child_process()
        if config.run_dir is None:
            name = f"{config.seed_everything}-{time.strftime('%Y%m%d-%H%M%S')}"
            config.run_dir = os.environ.get(RUN_DIR_OF_PARENT) or str(
                Path("runs") / config.algorithm / self.environment / name
            )
        os.environ[RUN_DIR_OF_PARENT] = config.run_dir
        folder = RunFolder(config.run_dir)
        if config.ckpt_path == "last":
            config.ckpt_path = str(folder.last_checkpoint / MODEL)
        if config.ckpt_path is not None:
            self.manifest = manifest = read_manifest(Path(config.ckpt_path).parent)
            if manifest["frames"] >= config.max_frames:
                raise InputError(
                    "max_frames", config.max_frames, f"give more than the {manifest['frames']} frames of the checkpoint"
                )
            folder.prepare_resumed()
        elif main_process:
            folder.prepare_new()
        return folder

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Build the trainer with the project's callbacks and loggers."""
        config, blocks = self.config[self.subcommand], self.config_init[self.subcommand]
        callbacks: list[Any] = [*(blocks.trainer.callbacks or [])]
        identity = {"algorithm": config.model.class_path.rsplit(".", 1)[-1], "environment": config.data.env}
        if config.expert is not None and self.subcommand == "fit":
            expert = ExpertData(expert_source(config.expert, config.data.env), config.expert_transitions)
            callbacks += [
                expert,
                *(c for c in (blocks.action_inference, blocks.expert_sampling, blocks.expert_visits) if c),
            ]
            callbacks.append(InferenceQuality())
            identity |= {"expert": expert.states.content_hash, "expert_name": expert.name}
            self.expert_facts = expert.summary()
        if self.subcommand == "fit":
            identity["ranks"] = num_processes(blocks.trainer)
            identity["structure"] = {field: plain(config.get(field)) for field in STRUCTURE}
            if config.ckpt_path is not None:
                check_identity(self.manifest["identity"], identity)
            callbacks += self._run_callbacks(blocks, identity)
            kwargs["logger"] = self._loggers(blocks)
        # Checkpoints are RunCheckpoint's; Lightning would add its own where that is missing.
        kwargs["enable_checkpointing"] = self.subcommand == "fit"
        if blocks.trainer.strategy in ("auto", "ddp") and num_processes(blocks.trainer) > 1:
            # The labeller takes part in one update of a batch, and DDP has to know.
            kwargs["strategy"] = "ddp_find_unused_parameters_true"
        trainer_config = {**blocks.trainer, **kwargs, "callbacks": callbacks}
        return self.trainer_class(**trainer_config)

    def _run_callbacks(self, blocks: Any, identity: dict[str, Any]) -> list[Any]:
        """What every run has."""
        callbacks = [PriorityUpdate(), blocks.metrics, RunHealth(), FrameProgress(), FrameBudget()]
        if blocks.video is not None:
            callbacks.append(EvaluationVideo(self.folder.videos, blocks.video))
        callbacks.append(RunCheckpoint(self.folder.checkpoints, identity, blocks.checkpoint))
        return callbacks

    def _loggers(self, blocks: Any) -> list[Any]:
        loggers: list[Any] = [MetricsCSV(self.folder.path)]
        if blocks.wandb is not None:
            self._dump_config()
            names = (blocks.algorithm, self.environment, blocks.seed_everything)
            run_id = hashlib.sha256(str(self.folder.path.resolve()).encode()).hexdigest()[:12]
            logged = {**self.config_dump, "expert_dataset": self.expert_facts}
            loggers.append(make_wandb_logger(blocks.wandb, self.folder.path, names, logged, run_id))
        return loggers

    def before_fit(self) -> None:
        """Write the resolved configuration."""
        if not is_child_process():
            config = self.config["fit"].clone()
            config.ckpt_path = None  # of this session; the run itself has none
            self._parser("fit").save(config, self.folder.config, skip_none=False, overwrite=True, multifile=False)

    def after_fit(self) -> None:
        """Write the summary and the curve, and say where they are."""
        if self.trainer.is_global_zero:
            print(finish_run(self.folder, self._run_facts(), self.trainer), flush=True)

    def after_validate(self) -> None:
        """Say what the evaluation returned."""
        if self.trainer.is_global_zero:
            print(evaluation_table(self.trainer))

    after_test = after_validate

    def _run_facts(self) -> dict[str, Any]:
        config = self.config["fit"]
        return {
            "algorithm": config.algorithm,
            "environment": self.environment,
            "env_id": config.data.env,
            "seed": config.seed_everything,
            "command": shlex.join(["python", "-m", "diiqn_lightning", *self.arguments]),
        }


def plain(value: Any) -> Any:
    """A part of a configuration as JSON would give it back."""
    return json.loads(json.dumps(value.as_dict() if hasattr(value, "as_dict") else value))


def num_processes(trainer_config: Any) -> int:
    """How many processes a Trainer's settings ask for."""
    devices, accelerator = trainer_config.devices, trainer_config.accelerator
    if isinstance(devices, str) and "," in devices:
        devices = [device for device in devices.split(",") if device.strip()]
    if isinstance(devices, list):
        count = len(devices)
    elif str(devices) in ("auto", "-1"):
        count = torch.cuda.device_count() if accelerator in ("auto", "gpu", "cuda") else 1
    else:
        count = int(devices)
    return max(1, count) * int(trainer_config.num_nodes)


def load_agent(checkpoint: Path) -> TrainingCLI:
    """Build the module and the data of a run, with the weights of a checkpoint.

    Args:
        checkpoint: folder of a checkpoint in a run's folder.

    Raises:
        InputError: for a checkpoint that is missing or damaged, or a run without ``config.yaml``.
    """
    read_manifest(checkpoint)
    folder = RunFolder(checkpoint.resolve().parent.parent)
    if not folder.config.exists():
        raise InputError("run folder", str(folder.path), "it has no config.yaml, which says how to build the agent")
    quiet_libraries()
    check_torchrl()
    cli = TrainingCLI(["validate", "--config", str(folder.config)], build_only=True)
    weights = torch.load(checkpoint / MODEL, weights_only=True, map_location="cpu")["state_dict"]
    cli.model.load_state_dict(weights)
    cli.model.eval()
    return cli


def quiet_libraries() -> None:
    """Silence what libraries say that a user of this one cannot act on."""
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)


RUN_DIR_OF_PARENT = "DIIQN_LIGHTNING_RUN_DIR"
"""Environment variable by which the processes of one run agree on its folder."""


def is_child_process() -> bool:
    """Whether Lightning's launcher, torchrun or SLURM started this process as another rank than 0."""
    return any(os.environ.get(name, "0") != "0" for name in ("LOCAL_RANK", "RANK", "SLURM_PROCID"))


def run(arguments: list[str]) -> int:
    """Run ``fit``, ``validate`` or ``test``.

    Args:
        arguments: the verb and its options.

    Returns:
        The exit code.
    """
    quiet_libraries()
    try:
        check_torchrl()
        TrainingCLI(arguments)
    except (ValueError, TypeError) as error:
        if isinstance(cause := cause_of(error, InputError), InputError):
            raise cause from None
        raise
    except RunInterrupted as interruption:
        # A scheduler that sends SIGTERM requeues what ends well; a user's Ctrl-C is an interruption.
        print(f"{interruption}", file=sys.stderr)
        return 0 if interruption.signal_number == signal.SIGTERM else 130
    return 0
