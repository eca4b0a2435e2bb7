"""``fit``, ``validate`` and ``test``: Lightning's command line with this project's blocks."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import yaml
from lightning.pytorch.callbacks import LambdaCallback
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from diiqn_lightning import modules
from diiqn_lightning.arithmetic import set_up_arithmetic
from diiqn_lightning.callbacks.bridge_snapshots import BridgeSnapshots
from diiqn_lightning.callbacks.checkpoint import RunCheckpoint
from diiqn_lightning.callbacks.csv_logger import MetricsCSV
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.feasibility_quality import FeasibilityQuality
from diiqn_lightning.callbacks.frame_budget import FrameBudget
from diiqn_lightning.callbacks.health import RunHealth
from diiqn_lightning.callbacks.identity import check_identity, run_identity
from diiqn_lightning.callbacks.inference_quality import InferenceQuality
from diiqn_lightning.callbacks.manifest import plain_values_only, read_manifest
from diiqn_lightning.callbacks.priorities import PriorityUpdate
from diiqn_lightning.callbacks.progress import FrameProgress
from diiqn_lightning.callbacks.rank_merging import RankMerging
from diiqn_lightning.callbacks.stop_request import REQUEUED, RunInterrupted
from diiqn_lightning.callbacks.video import EvaluationVideo
from diiqn_lightning.callbacks.wandb_logger import FramesWandbLogger, make_wandb_logger
from diiqn_lightning.cli.blocks import EXPERT_CALLBACKS, check_blocks
from diiqn_lightning.cli.foreign_config import check_named_configs
from diiqn_lightning.cli.lightning_defaults import TRAINER_DEFAULTS, check_trainer, make_trainer, quiet_libraries
from diiqn_lightning.cli.messages import cause_of
from diiqn_lightning.cli.options import FROM_DATA, add_options
from diiqn_lightning.cli.parser import OneSentenceParser
from diiqn_lightning.cli.processes import (
    check_launch,
    is_child_process,
    num_processes,
)
from diiqn_lightning.cli.run_start import checkpoint_file, prepare_start, wandb_id
from diiqn_lightning.cli.value_check import check_values
from diiqn_lightning.compatibility import check_torchrl
from diiqn_lightning.data import ReplayDataModule
from diiqn_lightning.errors import InputError, require_seed, writing
from diiqn_lightning.modules.averaging import FlatAveraging, ProcessLostError
from diiqn_lightning.report.bridge_figure import draw_bridges
from diiqn_lightning.report.names import environment_name, expert_source
from diiqn_lightning.report.run_folder import RunFolder
from diiqn_lightning.report.run_key import run_key
from diiqn_lightning.report.summary import evaluation_table, finish_run, keep_test, provenance


class TrainingCLI(LightningCLI):
    """Lightning's command line plus frames, run folder, expert and callback blocks."""

    expert_facts: dict[str, Any] | None = None
    """Name, skill, content hash and return of the run's expert."""
    folder: RunFolder
    """Where the run is kept; only ``fit`` has one."""
    manifest: dict[str, Any]
    """Of the checkpoint that is gone on from or played; empty without one."""

    def __init__(self, args: list[str], build_only: bool = False) -> None:
        self.arguments, self.build_only = args, build_only
        if not build_only:  # who builds a run's agent has looked already
            check_named_configs(args)
        try:
            self._build_and_run(args)
        except (ValueError, TypeError):
            if "folder" in vars(self):
                self.folder.discard()
            raise
        finally:
            if "folder" in vars(self):
                self.folder.release()

    def _build_and_run(self, args: list[str]) -> None:
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
        add_options(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse what ``main`` was given, and not ``sys.argv``."""
        self.config = parser.parse_args(args)
        # Lightning sets it before anything else is looked at.
        require_seed(seed_everything=self.config[self.config.subcommand].seed_everything)

    def _parse_ckpt_path(self) -> None:
        """Nothing: a run's options are its configuration's, and not what Lightning would find in a checkpoint."""

    # From the configuration to a run.

    def _run_subcommand(self, subcommand: str) -> None:
        if self.build_only:
            return
        try:
            super()._run_subcommand(subcommand)
        except RuntimeError as error:
            if "Error(s) in loading state_dict" not in str(error):
                raise
            remedy = "its weights do not fit the network; give the options that the checkpoint was made with"
            raise InputError("ckpt_path", self.config[subcommand].ckpt_path, remedy) from error

    def before_instantiate_classes(self) -> None:
        """Refuse a run's folder before anything is built; name the algorithm."""
        config = self.config[self.subcommand]
        check_values(self._parser(self.subcommand), config.as_dict(), {f"model.{name}" for name in FROM_DATA})
        if config.threads < 1:
            raise InputError("threads", config.threads, "give a whole number of at least 1")
        if not self.build_only:
            check_trainer(config.trainer)
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
            config.ckpt_path = checkpoint_file(config.ckpt_path)
            self.manifest = read_manifest(Path(config.ckpt_path).parent)
        if self.subcommand == "fit":
            check_blocks(config)
            self.folder, self.manifest = prepare_start(config, self.environment)

    def instantiate_classes(self) -> None:
        """Build everything, and an optimizer for trial: what it refuses would else come up after the start."""
        super().instantiate_classes()
        try:
            self.model.configure_optimizers()
        except (ValueError, TypeError, RuntimeError) as error:
            optimizer = self.config[self.subcommand].model.init_args.optimizer
            raise InputError(
                "model.optimizer", getattr(optimizer, "class_path", optimizer), f"correct its options ({error})"
            ) from error

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Build the trainer with the project's callbacks and loggers."""
        config, blocks = self.config[self.subcommand], self.config_init[self.subcommand]
        callbacks: list[Any] = [*(blocks.trainer.callbacks or [])]
        if config.expert is not None and self.subcommand == "fit":
            expert = ExpertData(expert_source(config.expert, config.data.env), config.expert_transitions)
            callbacks.append(expert)
            callbacks += [blocks[block] for block in EXPERT_CALLBACKS if blocks[block] is not None]
            callbacks.append(InferenceQuality())
            if blocks.feasibility is not None:
                callbacks.append(FeasibilityQuality())
            self.expert_facts = expert.summary()
        if self.subcommand == "fit":
            check_launch(blocks.trainer)
            identity = run_identity(config, self.expert_facts, num_processes(blocks.trainer))
            if self.manifest:
                check_identity(self.manifest["identity"], identity, config.fresh_data)
            callbacks += self._callbacks_of_every_run(blocks, identity)
            kwargs["logger"] = self._loggers(blocks)
        # Checkpoints are RunCheckpoint's; Lightning would add its own where that is missing.
        kwargs["enable_checkpointing"] = self.subcommand == "fit"
        kwargs["strategy"] = FlatAveraging() if num_processes(blocks.trainer) > 1 else "auto"
        trainer_config = {**blocks.trainer, **kwargs, "callbacks": callbacks}
        return make_trainer(self.trainer_class, trainer_config)

    def _callbacks_of_every_run(self, blocks: Any, identity: dict[str, Any]) -> list[Any]:
        """What every run has."""
        callbacks: list[Any] = [RankMerging()] if num_processes(blocks.trainer) > 1 else []
        # Weights that do not fit have been refused by now.
        callbacks.append(LambdaCallback(on_fit_start=lambda *_: self._write_start()))
        # After a batch nothing is refused any more: what fails from there on is a run, and its folder tells of it.
        callbacks.append(LambdaCallback(on_train_batch_end=lambda *_: self.folder.keep()))
        callbacks += [PriorityUpdate(), blocks.metrics, RunHealth(self.folder.path), FrameProgress(), FrameBudget()]
        if blocks.bridging is not None and blocks.bridge_figure is not None:
            callbacks.append(BridgeSnapshots(self.folder.bridges, blocks.bridge_figure, draw_bridges))
        if blocks.video is not None:
            callbacks.append(EvaluationVideo(self.folder.videos, blocks.video))
        callbacks.append(RunCheckpoint(self.folder.checkpoints, identity, blocks.checkpoint, blocks.fresh_data))
        return callbacks

    def _loggers(self, blocks: Any) -> list[Any]:
        loggers: list[Any] = [MetricsCSV(self.folder.path)]
        self.wandb_id = wandb_id(self.folder, goes_on=self.config["fit"].ckpt_path is not None)
        if blocks.wandb is not None:
            self._dump_config()
            names = (blocks.algorithm, self.environment, blocks.seed_everything)
            logged = {**self.config_dump, "expert_dataset": self.expert_facts}
            expert = Path(expert_source(blocks.expert, blocks.data.env)) if self.expert_facts else None
            loggers.append(make_wandb_logger(blocks.wandb, self.folder.path, names, logged, self.wandb_id, expert))
        return loggers

    def _write_start(self) -> None:
        """Write the resolved configuration, and what is run on what."""
        if not is_child_process():
            self.folder.write_config(self._resolved_yaml())
            made = provenance(self._command(), self.expert_facts, self.trainer.world_size)
            key = run_key(self.resolved_config(), (self.expert_facts or {}).get("hash"))
            session = {**made, "key": key, "checkpoint": self.config["fit"].ckpt_path, "wandb_id": self.wandb_id}
            self.folder.add_session(session)

    def _resolved_yaml(self) -> str:
        config = self.config["fit"].clone()
        config.ckpt_path = None  # of this session; the run itself has none
        return str(self._parser("fit").dump(config, skip_none=False))

    def resolved_config(self) -> dict[str, Any]:
        """What a run's ``config.yaml`` holds."""
        content: dict[str, Any] = yaml.safe_load(self._resolved_yaml())
        return content

    def after_fit(self) -> None:
        """Write the summary and the curve, and say where they are."""
        if self.trainer.is_global_zero:
            with writing("run_dir", self.folder.path):
                print(finish_run(self.folder, self._run_facts(), self.trainer), flush=True)
            for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(callback, RunCheckpoint):
                    callback.forget_spare()
            for logger in self.trainer.loggers:
                if isinstance(logger, FramesWandbLogger):
                    logger.keep_run(self.folder.path)

    def after_validate(self) -> None:
        """Say what the evaluation returned."""
        if self.trainer.is_global_zero:
            print(evaluation_table(self.trainer))

    def after_test(self) -> None:
        """The same, and keep it with the run: its ledger's row has it in place of the evaluation that ended the run."""
        self.after_validate()
        config = self.config["test"]
        played, trained = run_identity(config, None, 1), self.manifest["identity"]
        worlds = [(of["environment"], of["structure"].get("data.env_kwargs")) for of in (played, trained)]
        if self.trainer.is_global_zero and worlds[0] == worlds[1]:
            kept = keep_test(Path(config.ckpt_path), self.manifest["frames"], self.trainer)
            if kept:
                print(kept)

    def _run_facts(self) -> dict[str, Any]:
        config = self.config["fit"]
        return {
            "algorithm": config.algorithm,
            "environment": self.environment,
            "env_id": config.data.env,
            "seed": config.seed_everything,
            "command": self._command(),
            # Of the start: a checkout may have moved on while the run was made.
            "git_revision": self.folder.last_session().get("git_revision"),
        }

    def _command(self) -> str:
        return shlex.join(["python", "-m", "diiqn_lightning", *self.arguments])


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
        with plain_values_only("the checkpoint"):
            TrainingCLI(arguments)
    except (ValueError, TypeError) as error:
        if isinstance(cause := cause_of(error, InputError), InputError):
            raise cause from None
        raise
    except ProcessLostError as loss:
        print(f"error: {loss}", file=sys.stderr, flush=True)
        return 1
    except RunInterrupted as interruption:
        # A scheduler that sends SIGTERM requeues what ends well; a user's Ctrl-C is an interruption.
        if not is_child_process():
            print(f"{interruption}", file=sys.stderr)
        return 0 if interruption.signal_number in REQUEUED else 130
    return 0
