"""Which search a run has: by distance and backend, each built once."""

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.dataset import ExpertStates
from diiqn_lightning.experts.distinct import DistinctTransitions
from diiqn_lightning.experts.exact_search import ExactSearch
from diiqn_lightning.experts.faiss_search import FaissSearch, require_faiss
from diiqn_lightning.experts.search import Search

BACKENDS = ("exact", "faiss")


class ExpertSearches:
    """The searches that a run needs, each built once: whoever asks for the same one shares what it has found.

    Args:
        states: the expert's.
    """

    def __init__(self, states: ExpertStates) -> None:
        self._states = states
        self._distinct: DistinctTransitions | None = None
        self._built: dict[tuple[str, str], Search] = {}

    def get(self, distance: str, backend: str, field: str) -> Search:
        """The search by a distance.

        Args:
            distance: between observations.
            backend: exact, or faiss (approximate).
            field: of the configuration that names the backend, for the sentence.

        Raises:
            InputError: if faiss is asked for and not installed, or cannot search by this distance.
        """
        if self._distinct is None:
            self._distinct = DistinctTransitions(self._states)
        if (distance, backend) not in self._built:
            self._built[distance, backend] = build_search(self._distinct, distance, backend, field)
        return self._built[distance, backend]


def require_backend(backend: str, field: str) -> None:
    """Raise :class:`InputError` for a backend that there is not."""
    if backend not in BACKENDS:
        raise InputError(field, backend, f"choose one of {', '.join(BACKENDS)}")


def build_search(
    distinct: DistinctTransitions, distance: str, backend: str = "exact", field: str = "backend"
) -> Search:
    """A search by a distance, see :meth:`ExpertSearches.get`."""
    require_backend(backend, field)
    if backend == "exact":
        return ExactSearch(distinct, distance)
    require_faiss(distance, field)
    return FaissSearch(distinct, distance)
