import numpy as np
import pytest

from diiqn_lightning.envs.mazes import DRAWN, Maze, drawn_maze, random_maze
from diiqn_lightning.envs.moves import moves_of
from diiqn_lightning.errors import InputError

CARDINAL = moves_of("cardinal").values()


def test_drawn_mazes_grow_are_closed_and_have_a_way():
    sizes = []
    for name in DRAWN:
        maze = drawn_maze(name)
        sizes.append(int((~maze.walls).sum()))
        edge = np.concatenate([maze.walls[0], maze.walls[-1], maze.walls[:, 0], maze.walls[:, -1]])
        assert edge.all(), name
        assert maze.goal in maze.distances_from_start(CARDINAL), name
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("size", [5, 11, 21])
def test_random_mazes_are_determined_by_their_seed_and_connected(size):
    one, same, other = (random_maze(size, seed, 0.2) for seed in (1, 1, 2))
    assert np.array_equal(one.walls, same.walls)
    assert size == 5 or not np.array_equal(one.walls, other.walls)
    assert len(one.distances_from_start(CARDINAL)) == int((~one.walls).sum())


def test_loops_open_walls():
    free = [int((~random_maze(15, 0, loops).walls).sum()) for loops in (0.0, 0.2, 1.0)]
    assert free == sorted(set(free))
    # A perfect maze of 7 × 7 rooms has 49 of them and 48 doors.
    assert free[0] == 97


def test_walls_stop_steps_and_jumps_and_not_knights():
    walls = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]], bool)
    maze = Maze(walls, (0, 0), (2, 2))
    assert maze.after((0, 0), (0, 1)) == (0, 0)
    assert maze.after((0, 0), (0, 2)) == (0, 0)
    assert maze.after((1, 0), (0, 2)) == (1, 2)
    assert maze.after((0, 0), (1, 2)) == (1, 2)
    assert maze.after((1, 0), (-1, 1)) == (1, 0)
    assert maze.after((0, 0), (-1, 0)) == (0, 0)


def test_distances_count_moves():
    maze = Maze(np.zeros((3, 3), bool), (0, 0), (2, 2))
    assert maze.distances_from_start(CARDINAL)[2, 2] == 4
    assert maze.distances_from_start(moves_of("king").values())[2, 2] == 2
    assert set(maze.distances_from_start(moves_of("jump2").values())) == {(0, 0), (0, 2), (2, 0), (2, 2)}


@pytest.mark.parametrize(("arguments", "field"), [((4, 0, 0.0), "size"), ((8, 0, 0.0), "size"), ((9, 0, 1.5), "loops")])
def test_bad_sizes_are_refused(arguments, field):
    with pytest.raises(InputError, match=field):
        random_maze(*arguments)


def test_unknown_layouts_are_refused():
    with pytest.raises(InputError, match="small, medium, large, or random"):
        drawn_maze("tiny")
