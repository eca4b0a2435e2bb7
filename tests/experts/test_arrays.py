import numpy as np
import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import files
from diiqn_lightning.experts.arrays import read_folder, read_npz, write_npz
from diiqn_lightning.experts.sources import load_any

STATES = np.arange(14, dtype=np.float32).reshape(7, 2)  # two episodes: 4 states and 3


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "ends",
    [
        {"episode_ends": [4, 7]},
        {"terminations": [0, 0, 0, 1, 0, 0, 1]},
        {"terminations": [0, 0, 0, 1, 0, 0, 0], "truncations": [0, 0, 0, 0, 0, 0, 1]},
    ],
    ids=["ends", "terminations", "both"],
)
def test_reads_episodes_however_their_ends_are_told(tmp_path, ends):
    dataset = read_npz(save(tmp_path / "a.npz", observations=STATES, **{k: np.array(v) for k, v in ends.items()}))
    assert dataset.states.episode_ends.tolist() == [4, 7]
    assert dataset.states.num_transitions == 5
    assert torch.equal(dataset.states.states, torch.from_numpy(STATES))
    assert dataset.labels is None


def test_reads_transitions_with_their_next_observations(tmp_path):
    dataset = read_npz(
        save(
            tmp_path / "a.npz",
            observations=STATES[[0, 1, 2, 4, 5]],
            next_observations=STATES[[1, 2, 3, 5, 6]],
            terminations=np.array([0, 0, 1, 0, 1], bool),
        )
    )
    assert torch.equal(dataset.states.states, torch.from_numpy(STATES))


ACTIONS = {"actions": np.array([0, 1, 0, 1, 1])}
TERMINATED = {"terminations": np.array([0, 0, 0, 1, 0, 0, 0]), "truncations": np.array([0, 0, 0, 0, 0, 0, 1])}


@pytest.mark.parametrize(
    ("ends", "terminated"),
    [
        (TERMINATED, [2]),
        ({"terminations": TERMINATED["terminations"], "episode_ends": [4, 7]}, [2]),
        ({"truncations": np.array([0, 0, 0, 1, 0, 0, 1])}, []),
        ({"episode_ends": [4, 7]}, [2, 4]),
    ],
    ids=["flags", "ends and flags", "truncations alone", "nothing said"],
)
def test_labels_tell_terminated_episodes_from_truncated_ones(tmp_path, ends, terminated):
    dataset = read_npz(save(tmp_path / "a.npz", observations=STATES, **ACTIONS, **ends))
    assert dataset.labels.terminated.nonzero().squeeze(1).tolist() == terminated
    assert (dataset.labels.terminated | dataset.labels.truncated).nonzero().squeeze(1).tolist() == [2, 4]
    write_npz(dataset, tmp_path / "b.npz")
    assert torch.equal(read_npz(tmp_path / "b.npz").labels.terminated, dataset.labels.terminated)


def test_labels_of_transitions_have_their_own_flags(tmp_path):
    rows = {"observations": STATES[[0, 1, 2, 4, 5]], "next_observations": STATES[[1, 2, 3, 5, 6]]}
    flags = {"terminations": np.array([0, 0, 1, 0, 0]), "truncations": np.array([0, 0, 0, 0, 1])}
    dataset = read_npz(save(tmp_path / "a.npz", **rows, **flags, **ACTIONS))
    assert dataset.labels.terminated.tolist() == [False, False, True, False, False]
    assert dataset.labels.truncated.tolist() == [False, False, False, False, True]
    # Truncations alone: no transition terminates. Ends alone: nothing is said.
    dataset = read_npz(save(tmp_path / "b.npz", **rows, truncations=np.array([0, 0, 1, 0, 1]), **ACTIONS))
    assert not dataset.labels.terminated.any()
    assert dataset.labels.truncated.tolist() == [False, False, True, False, True]
    dataset = read_npz(save(tmp_path / "c.npz", **rows, episode_ends=np.array([3, 5]), **ACTIONS))
    assert torch.equal(dataset.states.states, torch.from_numpy(STATES))
    assert dataset.labels.terminated.tolist() == [False, False, True, False, True]


def test_actions_without_rewards_are_labels_without_them(tmp_path):
    dataset = read_npz(save(tmp_path / "a.npz", observations=STATES, episode_ends=np.array([4, 7]), **ACTIONS))
    assert dataset.labels.reward is None
    files.save(dataset, tmp_path / "a.expert")
    write_npz(dataset, tmp_path / "b.npz")
    for back in (files.load(tmp_path / "a.expert"), read_npz(tmp_path / "b.npz")):
        assert back.labels.reward is None
        assert back.labels.action.tolist() == ACTIONS["actions"].tolist()


def test_actions_and_rewards_become_labels(tmp_path):
    dataset = read_npz(
        save(
            tmp_path / "a.npz",
            observations=STATES,
            episode_ends=[4, 7],
            actions=[0, 1, 0, 1, 1],
            rewards=[0, 0, 1, 0, 2.5],
        )
    )
    assert dataset.labels.action.tolist() == [0, 1, 0, 1, 1]
    assert dataset.labels.reward.tolist() == [0, 0, 1, 0, 2.5]


def test_a_folder_holds_an_episode_in_each_file(tmp_path):
    np.save(tmp_path / "b.npy", STATES[4:])
    np.save(tmp_path / "a.npy", STATES[:4])
    dataset = read_folder(tmp_path)
    assert torch.equal(dataset.states.states, torch.from_numpy(STATES))
    assert dataset.states.episode_ends.tolist() == [4, 7]
    assert load_any(str(tmp_path)).states.content_hash == dataset.states.content_hash


def test_columns_of_a_folder_may_be_vectors_in_one_file_and_of_one_column_in_another(tmp_path):
    save(tmp_path / "a.npz", observations=STATES[:4], actions=[0, 1, 0], rewards=[[0.0], [1.0], [0.0]])
    save(tmp_path / "b.npz", observations=STATES[4:], actions=[[1], [1]], rewards=[0.0, 1.0])
    labels = read_folder(tmp_path).labels
    assert labels.action.tolist() == [0, 1, 0, 1, 1]
    assert labels.reward.tolist() == [0, 1, 0, 0, 1]


def test_columns_of_a_folder_that_do_not_go_together_are_refused(tmp_path):
    save(tmp_path / "a.npz", observations=STATES[:4], actions=[0, 1, 0])
    save(tmp_path / "b.npz", observations=STATES[4:], actions=[[1, 1], [1, 1]])
    with pytest.raises(InputError, match="actions .*same shape and type"):
        read_folder(tmp_path)


def test_a_folder_gives_a_column_in_all_of_its_files_or_in_none(tmp_path):
    save(tmp_path / "a.npz", observations=STATES[:4], actions=[0, 1, 0])
    save(tmp_path / "b.npz", observations=STATES[4:])
    with pytest.raises(InputError, match=r"actions is 'missing in b\.npz'.*or of none"):
        read_folder(tmp_path)


def test_a_file_of_a_folder_says_where_its_episodes_end(tmp_path):
    flags = {"terminations": np.array([0, 0, 0, 1]), "truncations": np.array([0, 0, 0, 0])}
    save(tmp_path / "a.npz", observations=STATES[:4], actions=[0, 1, 0], **flags)
    save(tmp_path / "b.npz", observations=STATES[4:], actions=[1, 1], truncations=np.array([0, 0, 1]))
    save(tmp_path / "c.npz", observations=STATES, actions=ACTIONS["actions"], episode_ends=np.array([4, 7]))
    dataset = read_folder(tmp_path)
    assert dataset.states.episode_ends.tolist() == [4, 7, 11, 14]
    assert dataset.labels.terminated.nonzero().squeeze(1).tolist() == [2, 7, 9]
    assert dataset.labels.truncated.nonzero().squeeze(1).tolist() == [4]


def test_a_file_of_a_folder_that_is_wrong_is_named(tmp_path):
    save(tmp_path / "a.npz", observations=STATES[:4])
    save(tmp_path / "b.npz", observations=STATES[4:], episode_ends=np.array([5]))
    with pytest.raises(InputError, match=r"b\.npz: episode_ends"):
        read_folder(tmp_path)


def test_next_observations_are_the_observations_that_follow(tmp_path):
    rows = {"observations": STATES[[0, 1, 2, 4, 5]], "episode_ends": np.array([3, 5])}
    with pytest.raises(InputError, match=r"next_observations is 'row 0 is not observation 1'"):
        read_npz(save(tmp_path / "a.npz", **rows, next_observations=STATES[[3, 2, 3, 5, 6]]))


def test_an_episode_may_be_a_single_transition(tmp_path):
    dataset = read_npz(
        save(tmp_path / "a.npz", observations=STATES[:1], next_observations=STATES[1:2], truncations=[1])
    )
    assert torch.equal(dataset.states.states, torch.from_numpy(STATES[:2]))


@pytest.mark.parametrize("actions", [np.eye(3)[[0, 1, 2, 0, 1]].astype(int), np.zeros((5, 2), int)])
def test_several_numbers_for_an_action_are_refused(tmp_path, actions):
    with pytest.raises(InputError, match="the number of one action"):
        read_npz(save(tmp_path / "a.npz", observations=STATES, episode_ends=np.array([4, 7]), actions=actions))


def test_whole_numbers_are_actions_as_floats_too(tmp_path):
    ends = {"episode_ends": np.array([4, 7])}
    dataset = read_npz(save(tmp_path / "a.npz", observations=STATES, actions=ACTIONS["actions"] * 1.0, **ends))
    assert dataset.labels.action.tolist() == ACTIONS["actions"].tolist()
    assert read_npz(save(tmp_path / "b.npz", observations=STATES, actions=np.full(5, 0.5), **ends)).labels is None


def test_comes_back_as_it_was_written(tmp_path, corridor_expert):
    write_npz(corridor_expert, tmp_path / "a.npz")
    back = load_any(str(tmp_path / "a.npz"))
    assert back.states.content_hash == corridor_expert.states.content_hash
    assert torch.equal(back.labels.action, corridor_expert.labels.action)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.float32])
def test_keeps_the_types_that_networks_take(tmp_path, dtype):
    back = read_npz(save(tmp_path / "a.npz", observations=(STATES > 5).astype(dtype), episode_ends=[4, 7]))
    assert str(back.states.states.dtype).endswith(np.dtype(dtype).name)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.float16])
def test_other_numbers_become_float32(tmp_path, dtype):
    back = read_npz(save(tmp_path / "a.npz", observations=STATES.astype(dtype), episode_ends=[4, 7]))
    assert back.states.states.dtype == torch.float32


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("an array was unpickled",))


BAD = {
    "object array": ({"observations": np.array([Payload()] * 3, object), "episode_ends": [3]}, "unpickling"),
    "no observations": ({"states": STATES}, "observations"),
    "no ends": ({"observations": STATES}, "episode_ends"),
    "no end after the last": ({"observations": STATES, "terminations": np.zeros(7, bool)}, "end or truncate"),
    "flags of another length": ({"observations": STATES, "terminations": np.ones(3, bool)}, "7 observations"),
    "ends beyond the data": ({"observations": STATES, "episode_ends": [4, 9]}, "7 observations"),
    "ends out of order": ({"observations": STATES, "episode_ends": [5, 4, 7]}, "rising"),
    "fractional ends": ({"observations": STATES, "episode_ends": [4.5, 7]}, "whole numbers"),
    "an episode of one state": ({"observations": STATES, "episode_ends": [1, 7]}, "two states"),
    "text": ({"observations": np.array([["a"], ["b"]]), "episode_ends": [2]}, "numbers"),
    "complex numbers": ({"observations": STATES * 1j, "episode_ends": [4, 7]}, "numbers"),
    "NaN": ({"observations": STATES * np.nan, "episode_ends": [4, 7]}, "NaN"),
    "infinity": ({"observations": STATES + np.inf, "episode_ends": [4, 7]}, "infinite"),
    "labels of another length": ({"observations": STATES, "episode_ends": [4, 7], "actions": [1]}, "5 transitions"),
    "next observations of another length": (
        {"observations": STATES, "terminations": np.ones(7), "next_observations": STATES[1:]},
        "next_observations",
    ),
    "next observations of another shape": (
        {"observations": STATES, "terminations": np.ones(7), "next_observations": STATES[:, :1]},
        "next_observations",
    ),
    "truncations of another length": (
        {"observations": STATES, "terminations": np.ones(7), "truncations": np.ones(6)},
        "truncations",
    ),
    "rewards that are words": (
        {"observations": STATES, "episode_ends": [4, 7], **ACTIONS, "rewards": np.array(["a"] * 5)},
        "rewards",
    ),
    "rewards that are not finite": (
        {"observations": STATES, "episode_ends": [4, 7], **ACTIONS, "rewards": np.array([0, 1, np.nan, 0, 0])},
        "rewards is 'NaN or infinite'",
    ),
    "rewards beyond float32": (
        {"observations": STATES, "episode_ends": [4, 7], **ACTIONS, "rewards": np.full(5, 1e300)},
        "rewards is 'NaN or infinite'",
    ),
    "states beyond float32": (
        {"observations": STATES.astype(float) * 1e300, "episode_ends": [4, 7]},
        "NaN or infinite",
    ),
    "flags within an episode": (
        {"observations": STATES, "episode_ends": [4, 7], "terminations": np.eye(7)[2]},
        "terminations is 'true after 3 observations'",
    ),
    "a single number": ({"observations": np.array(3.0), "episode_ends": [1]}, "observations"),
    "no states": ({"observations": STATES[:0], "terminations": np.ones(0)}, "observations"),
    "no actions": ({"observations": STATES, "episode_ends": [4, 7], "actions": np.zeros(0, int)}, "actions"),
    "numbers without a shape": ({"observations": np.arange(7.0), "episode_ends": [4, 7]}, "features"),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses_in_one_sentence(name, tmp_path):
    arrays, hint = BAD[name]
    with pytest.raises(InputError, match=hint) as refusal:
        read_npz(save(tmp_path / "a.npz", **arrays))
    assert "\n" not in str(refusal.value)


def test_refuses_damaged_files(tmp_path):
    path = save(tmp_path / "a.npz", observations=STATES, episode_ends=[4, 7])
    content = path.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="damaged"):
            read_npz(path)
    path.write_bytes(b"\x80\x04\x95")  # a pickle under the right name
    with pytest.raises(InputError, match="unpickling|damaged"):
        read_npz(path)


def test_refuses_an_empty_folder_and_mixed_shapes(tmp_path):
    with pytest.raises(InputError, match="one .npy"):
        read_folder(tmp_path)
    np.save(tmp_path / "a.npy", STATES)
    np.save(tmp_path / "b.npy", STATES[:, :1])
    with pytest.raises(InputError, match="same observation shape"):
        read_folder(tmp_path)
