"""How fast HA-DIIQN, DIIQN and DQN learn a maze from an expert with other actions.

    python -m benchmarks.ha_diiqn_learning --tasks king_strong --frames dqn=100000 diiqn=60000 ha_diiqn=20000 --out DIR
    python -m benchmarks.ha_diiqn_learning --tasks shared_100 shared_75 shared_50 shared_25 shared_0 --out DIR
    python -m benchmarks.ha_diiqn_learning --tasks point_maze --algorithms dqn diiqn ha_diiqn --out DIR

Runs that are there already are left alone, interrupted ones go on. Each run is one process of the real command line;
all algorithms of a task get the same layers of configuration. DQN learns from no expert, so one set of its runs serves
all tasks of a maze. Writes runs.csv (a row for each run), table.csv and table.md, curves.png, and for the shared_ tasks
shared.png.
"""

import argparse
import json
import shlex
import statistics
from pathlib import Path

from benchmarks.command_line import call, finish
from benchmarks.ha_diiqn_figures import draw_curves, draw_shared
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.experts.sources import SKILLS
from diiqn_lightning.report.curve import read_metrics
from diiqn_lightning.report.table import write_table

MEDIUM = {"layout": "medium", "action_set": "cardinal"}
CORRIDORS = {"layout": "random", "size": 11, "layout_seed": 0, "action_set": "cardinal"}
PLANNER = "diiqn_lightning.envs.maze_planner:ShortestPlanner"
# Name: configuration layer, the agent's environment, the expert's actions or the skill of a shipped expert.
TASKS = {
    "king_strong": ("maze2d", MEDIUM, "strong"),
    "king_medium": ("maze2d", MEDIUM, "medium"),
    "king_weak": ("maze2d", MEDIUM, "weak"),
    # Share of the expert's four actions that the agent has; a jump of two cells takes the agent two steps.
    "shared_100": ("maze2d", CORRIDORS, "cardinal"),
    "shared_75": ("maze2d", CORRIDORS, "north+east+south+west2"),
    "shared_50": ("maze2d", CORRIDORS, "north+east2+south+west2"),
    "shared_25": ("maze2d", CORRIDORS, "north+east2+south2+west2"),
    "shared_0": ("maze2d", CORRIDORS, "jump2"),
    "point_maze": ("point_maze", None, "medium"),
}
COLUMNS = (
    "bridging/infeasible",
    "bridging/infeasible_truth",
    "bridging/bridged",
    "bridging/length",
    "bridging/precision",
    "bridging/recall",
    "bridging/search_seconds",
)


def expert_of(task, folder):
    """The shipped expert of a task, or one that is recorded for it."""
    _, env_kwargs, action_set = TASKS[task]
    if action_set in SKILLS:
        return ["--expert", action_set]
    path = folder / f"{task}.expert"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        expert_kwargs = json.dumps({**env_kwargs, "action_set": action_set})
        record = ["record", "--policy", PLANNER, "--env", "Maze2D-v0", "--env_kwargs", expert_kwargs]
        call([*record, "--transitions", "5000", "--epsilon", "0.1", "--out", str(path)])
    return ["--expert", str(path)]


def maze_of(task):
    """What tasks that differ in their expert alone have in common."""
    return task.rpartition("_")[0]


def train(task, algorithm, seed, arguments):
    """One run; gives its folder."""
    layer, env_kwargs, _ = TASKS[task]
    place = maze_of(task) if algorithm == "dqn" else task
    folder = arguments.runs / place / (algorithm + arguments.label) / str(seed)
    command = ["fit", "--config", f"configs/{algorithm}.yaml", "--config", f"configs/env/{layer}.yaml"]
    command += [f"--seed_everything={seed}"]
    if algorithm in arguments.frames:
        command += [f"--max_frames={arguments.frames[algorithm]}"]
    if env_kwargs:
        command += [f"--data.env_kwargs={json.dumps(env_kwargs)}"]
    if algorithm != "dqn":
        command += expert_of(task, arguments.runs / "experts")
    finish(folder, [*command, *shlex.split(arguments.more)])
    return folder


def optimal_return(task):
    """Of the shortest way with the agent's moves; nothing where that is not known."""
    env_kwargs = TASKS[task][1]
    return make_gym_env("Maze2D-v0", env_kwargs=env_kwargs).unwrapped.optimal_return() if env_kwargs else None


def first_reached(frames, values, goal):
    """Frames at the first of two evaluations in a row that reach a return; nothing if there are none."""
    pairs = zip(frames, values, values[1:], strict=False)
    return next((frame for frame, one, other in pairs if min(one, other) >= goal), None)


def facts(task, algorithm, seed, folder):
    """A row of runs.csv."""
    columns = read_metrics(folder / "metrics.csv")
    frames, values = columns["eval/return_greedy"]
    optimum = optimal_return(task)
    row = {"task": task, "algorithm": algorithm, "seed": seed, "frames": frames[-1]}
    row["frames_to_95_percent"] = first_reached(frames, values, 0.95 * optimum) if optimum is not None else None
    row["final_return"] = round(statistics.fmean(values[-3:]), 4)
    row["frames_per_second"] = json.loads((folder / "summary.json").read_text())["frames_per_second"]
    row |= {name: round(columns[name][1][-1], 5) for name in COLUMNS if name in columns}
    if row.get("bridging/infeasible"):
        row["bridging/success"] = round(row["bridging/bridged"] / row["bridging/infeasible"], 5)
    return row


def write(path, rows):
    """Rows as CSV; returns Markdown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return write_table(columns, [dict.fromkeys(columns, "") | row for row in rows], path)


def table(rows):
    """Mean, smallest and largest of the frames to 95 %, and of the final return, for each task and algorithm."""
    summary = []
    for task, algorithm in dict.fromkeys((row["task"], row["algorithm"]) for row in rows):
        runs = [row for row in rows if (row["task"], row["algorithm"]) == (task, algorithm)]
        reached = [row["frames_to_95_percent"] for row in runs if row["frames_to_95_percent"] is not None]
        returns = [row["final_return"] for row in runs]
        entry = {"task": task, "algorithm": algorithm, "seeds": len(runs), "reached": len(reached)}
        if reached:
            entry |= {"frames_mean": statistics.fmean(reached), "least": min(reached), "most": max(reached)}
        entry["return_mean"] = round(statistics.fmean(returns), 3)
        entry |= {"return_least": min(returns), "return_most": max(returns)}
        entry["frames_per_second"] = round(statistics.fmean(row["frames_per_second"] for row in runs))
        for name in (*COLUMNS, "bridging/success"):
            if values := [row[name] for row in runs if name in row]:
                entry[name] = round(statistics.fmean(values), 5)
        summary.append(entry)
    return summary


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tasks", nargs="+", choices=TASKS, default=["king_strong"])
    options.add_argument("--algorithms", nargs="+", default=["dqn", "diiqn", "ha_diiqn"])
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    options.add_argument("--frames", nargs="+", default=[], help="dqn=100000 …; by default the configuration's")
    options.add_argument("--runs", type=Path, default=Path("runs/ha_diiqn"), help="where the runs are kept")
    options.add_argument("--more", default="", help="options added to each run, in one string")
    options.add_argument("--label", default="", help="added to the algorithm's name, for runs with --more")
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    arguments.frames = {name: int(count) for name, _, count in (given.partition("=") for given in arguments.frames)}
    rows, curves = [], {}
    for seed in arguments.seeds:
        for task in arguments.tasks:
            for algorithm in arguments.algorithms:
                folder = train(task, algorithm, seed, arguments)
                rows.append(facts(task, algorithm + arguments.label, seed, folder))
                curve = read_metrics(folder / "metrics.csv")["eval/return_greedy"]
                curves.setdefault(task, {}).setdefault(algorithm + arguments.label, []).append(curve)
                print(rows[-1], flush=True)
    rows.sort(key=lambda row: (arguments.tasks.index(row["task"]), row["algorithm"], row["seed"]))
    summary = table(rows)
    write(arguments.out / f"runs{arguments.label}.csv", rows)
    markdown = write(arguments.out / f"table{arguments.label}.csv", summary)
    (arguments.out / f"table{arguments.label}.md").write_text(markdown + "\n")
    best = {task: optimal_return(task) for task in arguments.tasks}
    draw_curves(curves, best, arguments.out / f"curves{arguments.label}.png")
    if all(task.startswith("shared_") for task in arguments.tasks):
        draw_shared(rows, arguments.out / f"shared{arguments.label}.png")


if __name__ == "__main__":
    main()
