#!/usr/bin/env bash
# Makes the shipped experts of a game: trains double DQN from seed 100 and records three of its checkpoints.
#
#   experts/make.sh breakout 3000000             # weak, medium (and strong, when the training is done)
#   experts/make.sh space_invaders 2500000
#   experts/make.sh asterix 3000000 annealed     # strong alone, where a constant learning rate levels off early
#
# weak is the checkpoint at 250,000 frames, medium the one at 1,000,000, strong the last one. A dataset
# that is there already is left alone; an interrupted training or recording goes on.
set -euo pipefail
game=$1 frames=$2 annealed=${3:-}
python=${PYTHON:-.venv/bin/python}
run=runs/experts${annealed:+_annealed}/$game/100
annealing=null
[ -z "$annealed" ] || annealing="{start: 1.0, end: 0.1, frames: $frames}"

if [ ! -e "$run/summary.json" ]; then
  resume=()
  [ -e "$run/checkpoints/last" ] && resume=(--ckpt_path last)
  "$python" -m diiqn_lightning fit --config configs/dqn.yaml --config "configs/env/$game.yaml" \
    --seed_everything 100 --max_frames "$frames" --run_dir "$run" --video null --metrics.every_n_frames 25000 \
    --model.annealing "$annealing" --data.frames_per_epoch 250000 --checkpoint.every_n_frames 250000 \
    --checkpoint.keep 100 "${resume[@]}"
fi

record() { # skill, checkpoint, file, more options
  local skill=$1 checkpoint=$2
  shift 2
  [ -e "experts/$game-$skill.expert" ] ||
    "$python" -m diiqn_lightning record --checkpoint "$checkpoint" --out "experts/$game-$skill.expert" \
      --licence Apache-2.0 "$@"
}
record strong "$(readlink -f "$run/checkpoints/last" | sed "s|^$PWD/||")"
[ -z "$annealed" ] || exit 0
record weak "$(echo "$run"/checkpoints/0000250*)"
record medium "$(echo "$run"/checkpoints/0001000*)"
if [ "$game" = space_invaders ]; then
  record medium-100k "$(echo "$run"/checkpoints/0001000*)" --transitions 100000
fi
if [ "$game" = breakout ] && [ ! -e experts/breakout-random.expert ]; then
  "$python" -m diiqn_lightning record --policy random --env MinAtar/Breakout-v1 --out experts/breakout-random.expert \
    --licence Apache-2.0
fi
