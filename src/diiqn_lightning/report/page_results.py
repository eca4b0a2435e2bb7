"""Sections of a report: returns, games taken together, frames, guidance."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diiqn_lightning.report.aggregate import over_games, shared_games, shown
from diiqn_lightning.report.aggregate_figures import efficiency_figure, intervals_figure, profile_figure
from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.comparison_figure import guidance_figure, returns_figure
from diiqn_lightning.report.document import Block, Picture, Section, Table, Text
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.gains import frames_to_own_end, mean_curve, random_return
from diiqn_lightning.report.scores import normalised_scores
from diiqn_lightning.report.speed_up import SpeedUp, level_near_best, speed_up
from diiqn_lightning.report.statistics import (
    Interval,
    difference_of_means,
    frames_to,
    is_above,
    mean_and_band,
    ratio_above,
)
from diiqn_lightning.report.style import figure_files

LINES_APART = "Lines differ in dashes and markers, too."
AGAINST = ("difference", "probability_of_improvement")
GUIDANCE_FIGURES = (
    (
        "confidence",
        "expert/weight",
        "mean confidence Φ",
        "Mean confidence Φ, times what fading has left of imitation: how much imitation counts in the loss.",
    ),
    (
        "inference",
        "inference/accuracy",
        "share of right actions",
        "Inferred actions that are the expert's true ones, among all that are inferred.",
    ),
)


def curves_section(runs: Sequence[FinishedRun], baseline: str, folder: Path) -> Section:
    """Learning curves of whole runs, also of those that are cut elsewhere."""
    labels = ", ".join(dict.fromkeys(label for _, label in grouped(runs)))
    environments = ", ".join(sorted({run.environment for run in runs}))
    picture = _picture(
        folder,
        "curves",
        returns_figure(runs, baseline),
        f"Learning curves of {labels} on {environments}: evaluated return over environment frames.",
        "Mean over seeds of the evaluated return, with bootstrap bands; a single seed has no band. Grey lines: the "
        f"experts and a random agent. {LINES_APART}",
    )
    return Section("Learning curves", [picture])


def returns_section(runs: Sequence[FinishedRun], baseline: str) -> Section:
    """Final returns, and what they are above the baseline and the expert."""
    groups = grouped(runs)
    rows = []
    for (environment, label), group in groups.items():
        own = [run.numbers["eval_return"] for run in group]
        reference = [run.numbers["eval_return"] for run in groups.get((environment, baseline), [])]
        level = _level(group, "expert_return")
        seeds = min(len(own), len(reference) or len(own))
        gain = ratio_above(own, reference) if reference and label != baseline and min(reference) > 0 else None
        rows.append(
            [
                environment,
                label,
                shown(mean_and_band([[value] for value in own])[0], 2, len(own)),
                " ".join(f"{value:.1f}" for value in own).replace("-", "−"),
                shown(gain, 1, seeds),
                _plain(level),
                shown(difference_of_means(own, [level]), 2, len(own)) if level is not None else "",
                _plain(_level(group, "random_return")),
            ]
        )
    columns = (
        "environment",
        "algorithm",
        "return",
        "of each seed",
        f"% above {baseline}",
        "expert",
        "above the expert",
        "random agent",
    )
    return Section("Final returns", [Table("Final returns with 95 % intervals.", columns, rows)])


def games_section(
    runs: Sequence[FinishedRun], baseline: str, means: dict[str, dict[str, Any]], folder: Path
) -> Section:
    """IQM, probability of improvement and performance profiles over games.

    Args:
        runs: finished runs.
        baseline: label of the baseline.
        means: of :func:`diiqn_lightning.report.gains.interquartile_means`.
        folder: for the figures.
    """
    if len(means) < 2:
        needs = "another algorithm in one environment, a random agent's return, and a baseline that is better than that"
        return Section(
            "All games together", [Text(f"Nothing to compare: this needs runs of `{baseline}` and of {needs}.")]
        )
    rows = []
    for label, mean in means.items():
        seeds = min(mean["seeds"], mean["baseline_seeds"])
        own = shown(_interval(mean["iqm"]), 2, mean["seeds"])
        against = [shown(_interval(mean[name]), 2, seeds) if label != baseline else "" for name in AGAINST]
        rows.append([label, ", ".join(mean["games"]), own, *against])
    columns = (
        "algorithm",
        "games",
        "IQM",
        f"IQM less that of {baseline}",
        f"probability of improvement over {baseline}",
    )
    table = Table("Normalised scores, each algorithm over all games that it shares with the baseline.", columns, rows)
    return Section("All games together", [table, *_game_pictures(runs, baseline, folder)])


def _game_pictures(runs: Sequence[FinishedRun], baseline: str, folder: Path) -> list[Block]:
    every = normalised_scores(runs, baseline)
    games = shared_games(every, baseline)
    scores = over_games(every, games)
    order = list(dict.fromkeys(label for _, label in grouped(runs)))
    absent = [label for label in every if label not in scores]
    where = ", ".join(games)
    note = f" Not in it, for lack of runs in all of these: {', '.join(absent)}." if absent else ""
    names = ", ".join(scores)
    by_frames = efficiency_figure(runs, baseline, list(scores), games, order)
    return [
        _picture(
            folder,
            "intervals",
            intervals_figure(scores, baseline, order),
            f"IQM and probability of improvement of {names}.",
            f"Over {where}. Dotted: the baseline's level, and 0.5.{note}",
        ),
        _picture(
            folder,
            "efficiency",
            by_frames,
            f"IQM over frames of {names}.",
            f"IQM of normalised scores by frames, over {where}. {LINES_APART}{note}",
        ),
        _picture(
            folder,
            "profiles",
            profile_figure(scores, baseline, order),
            f"Performance profiles of {names}.",
            f"Share of runs above each normalised score, over {where}. {LINES_APART}{note}",
        ),
    ]


def frames_section(runs: Sequence[FinishedRun], whole: Sequence[FinishedRun], baseline: str) -> Section:
    """Frames to the expert's return, to the baseline's last and to 95 % of the best, and percent faster.

    Args:
        runs: of equal length in each environment; what the returns to reach are taken from.
        whole: the same, not cut; what the frames are counted on.
        baseline: label of the baseline.
    """
    groups, uncut = grouped(runs), grouped(whole)
    rows = []
    for (environment, label), group in uncut.items():
        here = [others for (place, _), others in groups.items() if place == environment]
        reference = uncut.get((environment, baseline))
        cut = groups.get((environment, baseline), [])
        levels = [_level(group, "expert_return"), _level(cut, "eval_return"), level_near_best(here)]
        random = random_return(runs, environment)
        if levels[1] is not None and not (math.isnan(random) or is_above(levels[1], random)):
            levels[1], cut = None, []  # whoever acts at random is there at once
        cells = [_frames(group, level) for level in levels]
        faster = [
            speed_up(group, reference, level) if reference and label != baseline and level is not None else None
            for level in levels[1:]
        ]
        # The baseline is at its own last return with its last frame at the latest, wherever its curve ends.
        if cut and label == baseline:
            cells[1] = _plain_frames(frames_to_own_end(cut))
        elif faster[0] is not None and levels[1] is not None:
            faster[0] = speed_up(group, cut, levels[1])._replace(at_least=False)
        seeds = min(len(group), len(reference or group))
        rows.append([environment, label, *cells, *(_faster(each, seeds) for each in faster)])
    columns = (
        "environment",
        "algorithm",
        "frames to the expert's return",
        f"to the last return of {baseline}",
        "to 95 % of the best",
        f"% faster than {baseline} to its last return",
        "% faster to 95 % of the best",
    )
    caption = "Frames of the mean curve's first evaluation at a return, on whole runs; “never” within these."
    return Section("Frames to a return", [Table(caption, columns, rows)])


def guidance_section(runs: Sequence[FinishedRun], baseline: str, folder: Path) -> Section:
    """Confidence and inference accuracy over time."""
    blocks: list[Block] = []
    for name, metric, title, caption in GUIDANCE_FIGURES:
        figure = guidance_figure(runs, metric, title, baseline)
        if figure is not None:
            blocks.append(
                _picture(folder, name, figure, f"{title} over environment frames.", f"{caption} {LINES_APART}")
            )
    return Section(
        "Confidence and inference", blocks or [Text("None of these runs has an expert whose guidance was logged.")]
    )


def _interval(limits: Sequence[float | None]) -> Interval:
    return Interval(*(math.nan if value is None else value for value in limits))


def _picture(folder: Path, name: str, figure: Any, alt: str, caption: str) -> Picture:
    figure_files(figure, [folder / f"{name}.png", folder / f"{name}.svg"])
    return Picture(name, alt, caption, folder)


def _level(group: Sequence[FinishedRun], name: str) -> float | None:
    values = [run.numbers[name] for run in group if name in run.numbers]
    return statistics.fmean(values) if values else None


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".replace("-", "−")


def _frames(group: Sequence[FinishedRun], level: float | None) -> str:
    if level is None:
        return ""
    return _plain_frames(frames_to(mean_curve(group), level))


def _plain_frames(reached: int | None) -> str:
    return "never" if reached is None else f"{reached:,}"


def _faster(found: SpeedUp | None, seeds: int) -> str:
    if found is None:
        return ""
    return ("at least " if found.at_least else "") + shown(found.percent, 0, seeds)
