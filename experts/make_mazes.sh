#!/usr/bin/env bash
# Makes the shipped experts of Maze2D and Point Maze: scripted planners that take detours or drive too carefully, with
# actions that the agent of configs/env/maze2d.yaml and configs/env/point_maze.yaml does not have, or not all of them.
# One transition in ten is a random action. A dataset that is there already is left alone.
#
#   experts/make_mazes.sh                        # Point Maze needs the extra [robotics]
set -euo pipefail
python=${PYTHON:-.venv/bin/python}

record() { # file, planner, environment, its arguments
  [ -e "experts/$1.expert" ] ||
    "$python" -m diiqn_lightning record --policy "diiqn_lightning.envs.$2" --env "$3" --env_kwargs "$4" \
      --transitions 5000 --epsilon 0.1 --licence Apache-2.0 --out "experts/$1.expert"
}
king='{"layout": "medium", "action_set": "king"}'
record maze2d-weak maze_planner:LostPlanner Maze2D-v0 "$king"
record maze2d-medium maze_planner:DetourPlanner Maze2D-v0 "$king"
record maze2d-strong maze_planner:ShortestPlanner Maze2D-v0 "$king"
record point_maze-medium point_maze_planner:CarefulDriver PointMaze-v0 \
  '{"layout": "medium", "action_set": "diagonal", "brake": true, "max_steps": 300}'
