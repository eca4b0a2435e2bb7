"""Names of environments and of shipped experts."""

import re
from pathlib import Path

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.files import SUFFIX
from diiqn_lightning.experts.sources import SKILLS


def environment_name(env_id: str) -> str:
    """``MinAtar/SpaceInvaders-v1`` to ``space_invaders``: the file's name under ``configs/env``."""
    name = env_id.split(":")[-1].split("/")[-1].rsplit("-v", 1)[0]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()


def expert_source(expert: str, env_id: str) -> str:
    """The dataset for a skill: the shipped file; anything else is a dataset by itself.

    Skills are looked for in ``experts/`` below the working directory, and below the repository that
    this package was installed from.

    Raises:
        InputError: if there is no such file.
    """
    if expert not in SKILLS:
        return expert
    name = f"{environment_name(env_id)}-{expert}{SUFFIX}"
    roots = (Path.cwd(), Path(__file__).resolve().parents[3])
    for root in roots:
        if (root / "experts" / name).is_file():
            return str(root / "experts" / name)
    shipped = sorted(path.stem for root in roots for path in (root / "experts").glob(f"*{SUFFIX}"))
    raise InputError(
        "expert",
        expert,
        f"no experts/{name} is shipped; give a dataset's path, or one of {', '.join(dict.fromkeys(shipped)) or 'none'}",
    )
