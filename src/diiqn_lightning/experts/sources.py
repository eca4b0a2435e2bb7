"""Any expert dataset, whatever its format."""

from pathlib import Path

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import files
from diiqn_lightning.experts.arrays import read_folder, read_npz
from diiqn_lightning.experts.dataset import ExpertDataset
from diiqn_lightning.experts.minari_datasets import looks_like_minari, read_minari

MINARI = "minari:"
SKILLS = ("weak", "medium", "strong", "random")
"""What the names of the shipped datasets end in."""


def load_any(source: str) -> ExpertDataset:
    """Load ``.expert`` or ``.npz`` files, a folder of episodes, a Minari folder, or ``minari:ID``.

    Raises:
        InputError: in one sentence, for whatever cannot be read.
    """
    if source.startswith(MINARI):
        return read_minari(source.removeprefix(MINARI))
    path = Path(source)
    if path.is_dir():
        return read_minari(source) if looks_like_minari(path) else read_folder(path)
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix in (".hdf5", ".h5"):
        raise InputError("dataset file", source, "give the folder of a Minari dataset, not the HDF5 file in it")
    return files.load(path)
