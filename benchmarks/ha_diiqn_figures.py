"""Figures of how HA-DIIQN learns beside its rivals."""

from statistics import fmean

from diiqn_lightning.report.panels import LINES, draw_seeds, panels_of_curves
from diiqn_lightning.report.style import GREY, figure_file, new_figure


def draw_curves(curves, best, path):
    """A panel for each task: the mean over seeds of the greedy evaluation, and each seed as a thin line.

    Args:
        curves: by task and algorithm, ``(frames, returns)`` of each seed.
        best: by task, the return of the shortest way, or nothing where it is not known.
        path: PNG file.
    """
    figure, panels = panels_of_curves(list(curves), width=4.2, height=3.2)
    for (task, algorithms), panel in zip(curves.items(), panels, strict=True):
        for (algorithm, seeds), line in zip(algorithms.items(), LINES, strict=False):
            draw_seeds(panel, algorithm, seeds, *line)
        if best[task] is not None:
            panel.axhline(best[task], color=GREY, linestyle=":", linewidth=1, label="shortest way")
    panels[0].set_ylabel("return of a greedy episode")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    figure_file(figure, path)


def draw_shared(rows, path):
    """Against the share of the expert's actions that the agent has: learning, bridging and what it costs.

    Args:
        rows: of runs of the tasks shared_0 to shared_100, as in runs.csv.
        path: PNG file.
    """
    figure = new_figure((12, 3.4))
    learning, bridging, cost = figure.subplots(1, 3)
    algorithms = list(dict.fromkeys(row["algorithm"] for row in rows))
    for algorithm, (colour, dashes) in zip(algorithms, LINES, strict=False):
        of = [row for row in rows if row["algorithm"] == algorithm]
        line = {"color": colour, "label": algorithm}
        _points(learning, of, lambda row: row["frames_to_95_percent"] or row["frames"], line, dashes)
        _points(cost, of, lambda row: row["frames_per_second"], line, dashes)
        if any("bridging/success" in row for row in of):
            success = [row for row in of if "bridging/success" in row]
            _points(bridging, success, lambda row: row["bridging/success"], line, dashes)
            _points(bridging, success, lambda row: row["bridging/recall"], {"color": GREY, "label": "recall"}, ":")
    learning.set_ylabel("frames to 95 % of the best return\n(at the run's end: not reached)")
    bridging.set_ylabel("share of infeasible transitions\nthat have a bridge")
    cost.set_ylabel("frames/s")
    for panel in (learning, bridging, cost):
        panel.set_xlabel("actions shared with the expert, %")
        panel.set_xticks([0, 25, 50, 75, 100])
        panel.set_ylim(bottom=0)
    bridging.set_ylim(top=1.05)
    handles = {}
    for panel in (bridging, learning):
        lines, labels = panel.get_legend_handles_labels()
        handles |= dict(zip(labels, lines, strict=True))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    figure_file(figure, path)


def _points(panel, rows, value, line, dashes):
    """Each run as a point, and the mean over seeds as a line."""
    by_share = {}
    for row in rows:
        by_share.setdefault(int(row["task"].removeprefix("shared_")), []).append(value(row))
    shares = sorted(by_share)
    panel.plot(shares, [fmean(by_share[share]) for share in shares], linestyle=dashes, linewidth=2, **line)
    for share in shares:
        panel.plot([share] * len(by_share[share]), by_share[share], ".", color=line["color"], alpha=0.6)
