"""What rliable, the library of Agarwal et al. (2021), says about scores that the tests give to ours.

    pip install rliable
    python -m benchmarks.rliable_answers --out tests/report/rliable_answers.json

rliable 1.2.0 hands arch an argument that arch 7 and 8 take for data; it is dropped here, nothing else is changed. For
that reason, and for its size, rliable is no dependency of the tests: they compare ours with the file that this wrote.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arch.bootstrap
import numpy as np

THRESHOLDS = [0.0, 0.5, 0.9, 1.0, 1.3, 2.0, 3.0]
RESAMPLES = 5_000


def _without_random_state(parent: Any) -> Any:
    class Compatible(parent):
        def __init__(self, *args: Any, random_state: Any = None, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    return Compatible


def sample_scores() -> tuple[Any, Any]:
    """Scores ``[seeds, games]`` of two algorithms, with ties among them, an outlier, and other numbers of seeds."""
    generator = np.random.default_rng(7)
    levels = np.array([0.8, 1.0, 1.6, 0.3, 2.2])
    one = np.round(levels + 0.4 * generator.standard_normal((7, 5)), 1)
    other = np.round(0.8 * levels + 0.3 * generator.standard_normal((5, 5)), 1)
    one[0, 0] = 9.0
    return one, other


def answers() -> dict[str, Any]:
    """rliable's numbers, each with its 95 % interval."""
    for name in ("IIDBootstrap", "IndependentSamplesBootstrap"):
        setattr(arch.bootstrap, name, _without_random_state(getattr(arch.bootstrap, name)))
    from rliable import library, metrics

    np.random.seed(0)
    one, other = sample_scores()
    iqm, iqm_limits = library.get_interval_estimates(
        {"one": one, "other": other}, lambda scores: np.array([metrics.aggregate_iqm(scores)]), reps=RESAMPLES
    )
    better, better_limits = library.get_interval_estimates(
        {"pair": (one, other)}, metrics.probability_of_improvement, reps=RESAMPLES
    )
    profile, profile_limits = library.create_performance_profile({"one": one}, np.array(THRESHOLDS), reps=RESAMPLES)
    return {
        "versions": {name: version(name) for name in ("rliable", "arch", "numpy", "scipy")},
        "one": one.tolist(),
        "other": other.tolist(),
        "thresholds": THRESHOLDS,
        "iqm": {name: [float(iqm[name][0]), *iqm_limits[name][:, 0].tolist()] for name in iqm},
        "probability_of_improvement": [float(better["pair"]), *better_limits["pair"].flatten().tolist()],
        "performance_profile": np.vstack([profile["one"], profile_limits["one"]]).T.tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    options = parser.parse_args()
    options.out.write_text(json.dumps(answers(), indent=1) + "\n")


if __name__ == "__main__":
    main()
