"""Callbacks that look, in each process of a run, whether all processes agree."""

import lightning
import torch

from diiqn_lightning.callbacks.action_inference import NearestTransition
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.expert_visits import ExpertVisits
from diiqn_lightning.callbacks.feasibility import Feasibility
from diiqn_lightning.callbacks.learned_labels import LearnedLabels
from diiqn_lightning.callbacks.rank_merging import gathering


class SameOnAllRanks(lightning.Callback):
    """Fails unless weights, buffers and what is known of the expert are the same on all ranks.

    Weights, buffers and labels after each batch; what is merged, right after that. And labels, of which each rank
    gives a part, have to be those that it would give alone.
    """

    def __init__(self, every_n_updates):
        self.every_n_updates, self._before, self._merges, self._labelled_at = every_n_updates, 0, 0, 0

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        for callback in trainer.callbacks:
            if isinstance(callback, LearnedLabels) and callback._labelled_at > self._labelled_at:
                self._labelled_at = callback._labelled_at
                self._check_labels(ExpertData.of(trainer), pl_module, callback._reward_sizes)
        if pl_module.updates // self.every_n_updates > self._before // self.every_n_updates:
            self._merges += 1
            self._check_merged(trainer)
        self._before = pl_module.updates

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        for name, tensor in pl_module.state_dict().items():
            self._check(trainer, name, tensor)
        if any(isinstance(callback, LearnedLabels) for callback in trainer.callbacks):
            self._check(trainer, "labels", ExpertData.of(trainer).table.action)

    def on_train_end(self, trainer, pl_module):
        assert self._merges > 1
        assert self._labelled_at > 0 or not any(isinstance(callback, LearnedLabels) for callback in trainer.callbacks)
        gathered = gathering(trainer)(trainer.datamodule.stream.replay.column("action")[:32])
        assert not torch.equal(gathered[0], gathered[1]), "ranks explored alike"
        # What makes processes wait for each other must not depend on when episodes end.
        stream = trainer.datamodule.stream
        if gathering(trainer)(torch.tensor(stream.episodes)).any():
            began = gathering(trainer)(stream.running_lengths)
            assert not torch.equal(began[0], began[1]), "episodes of the ranks ended at the same times"

    def _check_merged(self, trainer):
        for callback in trainer.callbacks:
            if isinstance(callback, NearestTransition):
                self._check(trainer, "inferred actions", ExpertData.of(trainer).table.action)
                self._check(trainer, "certainty", ExpertData.of(trainer).table.certainty)
            if isinstance(callback, ExpertVisits):
                visits = ExpertData.of(trainer).table.visits
                self._check(trainer, "visits", visits)
                torch.testing.assert_close(visits, gathering(trainer)(callback._own).sum(0))
            if isinstance(callback, Feasibility):
                self._check(trainer, "feasibility", callback.table.infeasible)
                count = callback.table._count + callback.table._others_count
                torch.testing.assert_close(count, gathering(trainer)(callback.table.own_count).sum(0))

    @staticmethod
    def _check_labels(expert, pl_module, sizes):
        some = torch.arange(0, expert.states.num_transitions, 97)
        seen = [expert.states.observation(some), expert.states.next_observation(some)]
        history = pl_module.labeller_settings.history
        seen += [expert.states.preceding(some, history)] if history else []
        alone = pl_module.labeller.label(*seen, sizes=sizes)
        torch.testing.assert_close(expert.table.reward[some], alone.reward)

    @staticmethod
    def _check(trainer, name, tensor):
        gathered = gathering(trainer)(tensor)
        for rank in range(1, len(gathered)):
            assert torch.equal(gathered[0], gathered[rank]), f"{name} of rank {rank} differs"
