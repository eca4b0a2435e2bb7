import torch

from benchmarks.learning_flops import double_dqn_update_flops, flops_per_frame, matmul_rate
from diiqn_lightning.networks import QNetwork


def test_flops_of_an_update_follow_from_the_layers():
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2))
    # A pass: 2·3·5 + 2·5·2 = 50. Three forwards, weights' gradients 50, inputs' gradients 20 (not of the first layer).
    assert double_dqn_update_flops(network, torch.zeros(1, 3), batch=1) == 3 * 50 + 50 + 20


def test_a_run_computes_what_double_dqn_has_to():
    update = double_dqn_update_flops(QNetwork((10, 10, 4), 3), torch.zeros(1, 10, 10, 4), batch=32)
    assert flops_per_frame(["dqn"], counted_frames=64) == update / 4


def test_labelling_the_experts_transitions_counts():
    few, more = (
        flops_per_frame(["diiqn"], 64, [f"--expert_transitions={n}", "--action_inference.relabel_every_n_frames=32"])
        for n in (100, 2_000)
    )
    assert more > 1.2 * few


def test_the_machine_multiplies_matrices():
    assert matmul_rate(threads=1, at_least=0) > 1e8
