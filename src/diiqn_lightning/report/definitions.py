"""How each number of a report is computed, in words and as a formula: a section of the report itself."""

from diiqn_lightning.report.aggregate import FEW_SEEDS
from diiqn_lightning.report.statistics import RESAMPLES

DEFINITIONS = (
    "*Return.* Mean return of the evaluation episodes at `data.evaluation.epsilon` (0.01 unless set); of a run, that "
    "of its last evaluation, or of the last one that all runs of the environment share.",
    f"*Interval [low, high].* 95 % percentile bootstrap, {RESAMPLES:,} resamples, stratified: the seeds of each "
    "algorithm in each game are drawn again among themselves; whole learning curves are drawn, not points. Bands "
    f"in figures are such intervals at each frame. With fewer than {FEW_SEEDS} seeds they are narrower than they "
    "say, and the number of seeds stands beside them; a single seed has none.",
    "*Gain over the baseline.* 100 · (mean return / mean return of the baseline − 1), in percent; empty where a "
    "run of the baseline has no positive return.",
    "*Normalised score.* (return − R) / (B − R), with R the return of a random agent and B the mean return of "
    "the baseline in that game: 0 is random, 1 the baseline. A game whose baseline is no better than random is "
    "left out.",
    "*IQM.* Interquartile mean: the mean of the middle half of the normalised scores of all games and seeds (a "
    "quarter is cut off at either end), games counting alike, however many seeds they have.",
    "*Probability of improvement.* P(X > Y) of a run X of the algorithm and a run Y of the baseline in the same "
    "game, mean over games: U / (N · M) of Mann and Whitney, that is, the share of pairs in which X has the "
    "higher score; equal ones count half. Above 0.5 the algorithm is better.",
    "*Performance profile.* For each τ the share of runs whose normalised score is above τ, games counting "
    "alike. A curve above another one everywhere is better everywhere.",
    "*Frames to a return.* F = the first evaluation at which the mean curve over seeds is at least at that "
    "return. *95 % of the best* is R + 0.95 · (M − R), with M the highest mean final return of an algorithm in "
    "that environment; empty where R is not known or M is no better.",
    "*x % faster.* x = 100 · (1 − F / F of the other): 64 % faster needs 36 frames where the other needs 100. "
    "Where the other never gets there, it counts as if it did with its last frame, and the number is marked *at "
    "least*; the baseline is at its own last return with its last frame at the latest. The "
    "paper's definition is not known here.",
    "These follow Agarwal et al., 2021, *Deep Reinforcement Learning at the Edge of the Statistical Precipice*, "
    "and give the numbers of its library rliable.",
)
