"""Models in huggingface-hub's cache on this machine. Nothing here asks the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.engine.catalog import Entry, find
from bridge.errors import ModelError


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model on this machine: the bag, and one for each of its networks.

    A bag may use a network twice; its file is then twice in `weights`, and once in `files`.
    """

    name: str
    yaml: Path
    weights: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them, the bag first, each once."""
        return (self.yaml, *dict.fromkeys(self.weights))

    @property
    def folder(self) -> Path:
        """Where they are; huggingface-hub may link from there to its store of contents."""
        return self.yaml.parent

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files)


def cache_folder() -> Path:
    """Return the folder of huggingface-hub's cache, whether or not it exists."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def cached(name: str) -> ModelFiles | None:
    """Return the files of a model if all of them are in the cache, else None.

    Never asks the network. Raises ModelError for a name that is unknown or has no weights, and for
    a bag that is damaged or that names files outside its folder.
    """
    entry = with_weights(name)
    yaml = in_cache(entry, entry.yaml)
    if yaml is None:
        return None
    weights = [in_cache(entry, file) for file in weight_names(yaml)]
    found = tuple(path for path in weights if path is not None)
    return ModelFiles(name, yaml, found) if len(found) == len(weights) else None


def weight_names(yaml: Path) -> list[str]:
    """Return the file of each network of a bag. Raises ModelError for a damaged bag."""
    from bridge.engine.bag import read_bag

    return [f"{signature}.safetensors" for signature in read_bag(yaml).signatures]


def unfinished(entry: Entry) -> dict[Path, int]:
    """Return the bytes so far of each file that huggingface-hub is fetching, or once began to."""
    blobs = cache_folder() / f"models--{entry.repo.replace('/', '--')}" / "blobs"
    sizes = {}
    for path in blobs.glob("*.incomplete"):
        try:
            sizes[path] = path.stat().st_size
        except FileNotFoundError:  # it has just become complete
            continue
    return sizes


def with_weights(name: str) -> Entry:
    """Return the entry of a model that can be fetched; raises ModelError for any other name."""
    entry = find(name)
    if not entry.repo:
        raise ModelError(f"{name} has no weights, so there is nothing to fetch or to look up")
    return entry


def in_cache(entry: Entry, file: str, revision: str = "main") -> Path | None:
    """Return the path of one file of a model, or None when that revision is not in the cache."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(entry.repo, file, cache_dir=cache_folder(), revision=revision)
    return Path(path) if isinstance(path, str) else None
