"""An experiment's file: a question, and the runs that answer it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.claims import OURS
from diiqn_lightning.report.study import Study
from diiqn_lightning.sweeps.yaml_file import read_mapping, refuse_options, whole_number

REQUIRED = ("name", "question", "variants", "environments", "seeds", "max_frames")
FIELDS = (*REQUIRED, "claim", "base", "arguments", "experts", "max_frames_in", "report", "measures", "stands_for")
SET_BY_THE_VERB = ("run_dir", "ckpt_path", "max_frames", "seed_everything")
EXPERTS, ENVIRONMENT = "{experts}", "{environment}"
"""Stand in arguments for the folder of the experts that are recorded for the experiment, and a run's environment."""


@dataclass(frozen=True)
class ExperimentRun:
    """One run of an experiment.

    Args:
        environment, variant: names in the experiment.
        seed: of the run.
        options: of ``fit``, all of them but the run's folder.
        max_frames: of the run.
    """

    environment: str
    variant: str
    seed: int
    options: tuple[str, ...]
    max_frames: int

    @property
    def name(self) -> str:
        """Where it stands in the experiment."""
        return f"{self.environment}/{self.variant}/{self.seed}"


@dataclass(frozen=True)
class Experiment:
    """What its file says.

    Args:
        path: of the file.
        name: of the folders of its runs and its report.
        question: that it answers.
        claim: of the paper, on that.
        base: ``--config`` arguments of variants that have none of their own.
        arguments: of every run.
        variants, environments: arguments by name.
        experts: arguments of ``record``, by the name of a dataset.
        seeds: of each variant in each environment.
        max_frames: of each run.
        max_frames_in: by environment, where runs are of another length.
        report: arguments of ``report``.
        measures: columns of ``metrics.csv`` whose last values are put side by side.
        stands_for: algorithms of this software by variants, whose claims the report judges by them.
    """

    path: Path
    name: str
    question: str
    claim: str
    base: tuple[str, ...]
    arguments: tuple[str, ...]
    variants: dict[str, tuple[str, ...]]
    environments: dict[str, tuple[str, ...]]
    experts: dict[str, tuple[str, ...]]
    seeds: tuple[int, ...]
    max_frames: int
    max_frames_in: dict[str, int]
    report: tuple[str, ...]
    measures: tuple[str, ...]
    stands_for: dict[str, str]

    @property
    def study(self) -> Study:
        """What its report tells of it."""
        return Study(self.question, self.claim, self.stands_for)

    def runs(self, experts: Path, seeds: int | None, max_frames: int | None) -> Iterator[ExperimentRun]:
        """All runs, seed by seed, so that whatever time allows is complete for the seeds that it covers.

        Args:
            experts: folder of the recorded datasets.
            seeds: how many: the first of the file's, and where they are not enough, those that follow its largest.
            max_frames: in place of the file's.
        """
        following = range(max(self.seeds) + 1, max(self.seeds) + 1 + (seeds or 0))
        for seed in [*self.seeds, *following][: seeds or len(self.seeds)]:
            for environment in self.environments:
                frames = max_frames or self.max_frames_in.get(environment, self.max_frames)
                for variant in self.variants:
                    words = [
                        *self._options(environment, variant),
                        f"--seed_everything={seed}",
                        f"--max_frames={frames}",
                    ]
                    options = tuple(
                        word.replace(EXPERTS, str(experts)).replace(ENVIRONMENT, environment) for word in words
                    )
                    yield ExperimentRun(environment, variant, seed, options, frames)

    def only(self, variants: Sequence[str] | None, environments: Sequence[str] | None) -> "Experiment":
        """A part of it.

        Args:
            variants: names; ``None`` is all of them.
            environments: names; ``None`` is all of them.

        Raises:
            InputError: for a name that it does not have.
        """
        return replace(
            self,
            variants=_some("--variants", self.variants, variants),
            environments=_some("--environments", self.environments, environments),
        )

    def _options(self, environment: str, variant: str) -> list[str]:
        """The algorithm first, which the run is named after; then layer over layer, the variant's own options last."""
        own = self.variants[variant]
        layers = [word for word in own if word.startswith("--config=")]
        single = [word for word in own if word not in layers]
        return [*(layers or self.base), *self.environments[environment], *self.arguments, *single]


def read_experiment(path: Path) -> Experiment:
    """Read an experiment's file.

    Raises:
        InputError: that names the field and the remedy.
    """
    content = read_mapping(path, FIELDS, REQUIRED)
    name = content["name"]
    if not isinstance(name, str) or not name.replace("_", "").isalnum():
        raise InputError(f"name in {path}", name, "write letters, digits and underscores: folders are named after it")
    base = _words(f"base in {path}", content.get("base"))
    variants = _named(path, "variants", content["variants"])
    environments = content["environments"]
    if isinstance(environments, list) and all(isinstance(name, str) for name in environments):
        environments = {name: [f"--config=configs/env/{name}.yaml"] for name in environments}
    for variant, words in variants.items():
        if not base and not any(word.startswith("--config=") for word in words):
            remedy = "add --config=configs/ALGORITHM.yaml to it, or give base for all variants"
            raise InputError(f"variants.{variant} in {path}", list(words), remedy)
    environments = _named(path, "environments", environments)
    return Experiment(
        path,
        name,
        " ".join(str(content["question"]).split()),
        " ".join(str(content.get("claim") or "").split()),
        base,
        _words(f"arguments in {path}", content.get("arguments")),
        variants,
        environments,
        _named(path, "experts", content.get("experts") or {}, empty=True, refused=("out",)),
        _seeds(path, content["seeds"]),
        whole_number(f"max_frames in {path}", content["max_frames"]),
        _lengths(path, content.get("max_frames_in") or {}, environments),
        _words(f"report in {path}", content.get("report"), refused=("out",)),
        _measures(path, content.get("measures") or []),
        _standing(path, content.get("stands_for") or {}, variants),
    )


def _some(option: str, there: dict[str, tuple[str, ...]], names: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    if names is None:
        return there
    for name in names:
        if name not in there:
            raise InputError(option, name, f"choose among {', '.join(there)}")
    return {name: words for name, words in there.items() if name in names}


def _standing(path: Path, content: Any, variants: Any) -> dict[str, str]:
    field = f"stands_for in {path}"
    if not isinstance(content, dict):
        raise InputError(field, content, "write a mapping of variants and algorithms")
    known = [name for names in OURS.values() for name in names]
    for variant, algorithm in content.items():
        if variant not in variants:
            raise InputError(field, variant, f"choose among {', '.join(variants)}")
        if algorithm not in known:
            raise InputError(f"stands_for.{variant} in {path}", algorithm, f"choose among {', '.join(known)}")
    return dict(content)


def _measures(path: Path, content: Any) -> tuple[str, ...]:
    if not isinstance(content, list) or not all(isinstance(measure, str) for measure in content):
        raise InputError(f"measures in {path}", content, "write a list of columns of metrics.csv")
    return tuple(content)


def _lengths(path: Path, content: Any, environments: Any) -> dict[str, int]:
    field = f"max_frames_in in {path}"
    if not isinstance(content, dict):
        raise InputError(field, content, "write a mapping of environments and frames")
    for name in content:
        if name not in environments:
            raise InputError(field, name, f"choose among {', '.join(environments)}")
    return {name: whole_number(f"max_frames_in.{name} in {path}", frames) for name, frames in content.items()}


def _named(
    path: Path, field: str, content: Any, empty: bool = False, refused: tuple[str, ...] = SET_BY_THE_VERB
) -> dict[str, tuple[str, ...]]:
    if not isinstance(content, dict) or not (content or empty):
        raise InputError(f"{field} in {path}", content, "write a mapping: a name, and a list of arguments for each")
    for name in content:
        if not isinstance(name, str) or not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
            raise InputError(
                f"{field} in {path}", name, "name it with letters, digits, '_', '-' and '.': folders are named after it"
            )
    return {name: _words(f"{field}.{name} in {path}", words, refused) for name, words in content.items()}


def _words(field: str, content: Any, refused: tuple[str, ...] = SET_BY_THE_VERB) -> tuple[str, ...]:
    words = content if content is not None else []
    if not isinstance(words, list) or not all(isinstance(word, str) and word.startswith("--") for word in words):
        raise InputError(field, content, "write a list of arguments, each as --name=value")
    refuse_options(words, refused, field, "leave it out, `experiment` sets it")
    return tuple(words)


def _seeds(path: Path, content: Any) -> tuple[int, ...]:
    seeds = list(range(content)) if isinstance(content, int) and not isinstance(content, bool) else content
    if (
        not isinstance(seeds, list)
        or not seeds
        or not all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in seeds)
        or len(set(seeds)) < len(seeds)
    ):
        remedy = "give how many, or a list of whole numbers of at least 0, each once"
        raise InputError(f"seeds in {path}", content, remedy)
    return tuple(seeds)
