"""Opens a data set by its name."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zoo.data.dataset import Dataset
from zoo.data.errors import DataError
from zoo.data.origin import DataOrigin
from zoo.data.sources.folder import open_folder
from zoo.data.sources.hub import is_hub_name, open_hub
from zoo.data.sources.idx import is_idx_folder, open_idx
from zoo.data.sources.image_tree import has_images, list_tree
from zoo.data.sources.left_out import describe_left_out
from zoo.data.sources.packed import is_pack, open_pack
from zoo.data.sources.shards import has_shards, open_shards
from zoo.data.sources.tfds_files import tfds_folder
from zoo.errors import ZooError
from zoo.runtime.home_folder import expand_home
from zoo.runtime.similar_paths import similar_paths
from zoo.runtime.system_errors import reason

# What recognises a folder, and what opens it, in the order of asking. A new kind of folder is a line here.
FOLDER_SOURCES: tuple[tuple[Callable[[Path], bool], Callable[[Path], Dataset]], ...] = (
    (is_pack, open_pack),
    (is_idx_folder, open_idx),
    (has_images, open_folder),
    (has_shards, open_shards),
)
# The same for a single file.
FILE_SOURCES: tuple[tuple[Callable[[Path], bool], Callable[[Path], Dataset]], ...] = ((has_shards, open_shards),)

# Where Debian's packages put data sets, as dataset-fashion-mnist does.
INSTALLED = Path("/usr/share/datasets")


def open_dataset(dataset: str | Path, data_dir: str | Path | None = None) -> Dataset:
    """Open a data set for image classification; DataError says in one line why it cannot be.

    `dataset` is the first of these that fits:

    1. `digits`, the embedded default.
    2. A folder, or the name of one under `data_dir` or of one that a Debian package installed: one that holds IDX
       files with the MNIST family's names, one that holds images, with one sub-folder per class (see open_folder), or
       one that holds shards: tar files in the layout of WebDataset (see open_tar), Parquet or Arrow tables in that of
       the `datasets` library (see open_tables). What TFDS has prepared is none of them. A single shard may be named.
       First of all a folder that `zoo data pack` has written (see open_pack).
    3. A data set of the Hugging Face hub with such tables or tar files, hf://datasets/OWNER/NAME, downloaded once.
    4. A TFDS name, `name`, `name/config` or either with `:version`, prepared in `data_dir` if it is not yet.

    `data_dir` is where TFDS keeps its data sets; the default is TFDS's own, which TFDS_DATA_DIR sets. Every
    split is the same on every call and every machine.
    """
    name = str(dataset)
    if not name:
        raise DataError("the data set has no name: pass a TFDS name, a folder, or digits")
    if is_hub_name(name):
        return open_hub(name)
    # Before the folder of TFDS is needed: there may be no home folder.
    if name != "digits" and (opened := _open_path(_expanded(name))):
        return opened
    root = _tfds_root(data_dir)
    if name != "digits":
        folders = [_expanded(name), root / name, INSTALLED / name]
        for folder in folders[1:]:
            if opened := _open_path(folder):
                return opened
        _refuse_folder(name, folders)
    from zoo.data.sources.tfds import open_tfds

    return open_tfds(name, root)


def open_again(origin: DataOrigin, data_dir: str | Path | None = None) -> Dataset:
    """Open the data set of a "folder" or of "tfds" that a run remembers; DataError where it is not there any more.

    A data set of TFDS is looked for in `data_dir`, else where it was, else in TFDS's own folder.
    """
    if origin.kind == "folder":
        if opened := _open_path(Path(origin.path)):
            return opened
        raise DataError(f"{origin.describe()} is not there any more, or holds no images")
    from zoo.data.sources.tfds import open_tfds

    remembered = origin.path if Path(origin.path).is_dir() else None
    return open_tfds(origin.name, _tfds_root(data_dir or remembered))


def _tfds_root(data_dir: str | Path | None) -> Path:
    return _expanded(data_dir or tfds_folder())


def _expanded(path: str | Path) -> Path:
    try:
        return expand_home(path)
    except ZooError as error:
        raise DataError(str(error)) from None


def _open_path(folder: Path) -> Dataset | None:
    """The data set in a folder, or in a file that is a shard; None for any other."""
    try:
        if folder.is_dir():
            sources = FOLDER_SOURCES
        elif folder.is_file():
            sources = FILE_SOURCES
        else:
            return None
        opened = next((open_source(folder) for recognises, open_source in sources if recognises(folder)), None)
        return opened and replace(opened, place=DataOrigin(kind="folder", path=str(folder.resolve())))
    except OSError as error:
        raise DataError(f"cannot read {error.filename or folder} ({reason(error)})") from error


def _refuse_folder(name: str, folders: list[Path]) -> None:
    """Raise for what is surely meant as a folder, so that it is not looked for among the TFDS names."""
    from zoo.data.sources.tfds import is_tfds_name

    if is_tfds_name(name):
        return
    for folder in folders:
        if folder.is_dir() and not any(folder.glob("**/dataset_info.json")):
            left_out = describe_left_out(list_tree(folder).all_others())
            found = f" ({left_out})" if left_out else ""
            raise DataError(
                f"{folder} holds no images, IDX files or shards{found}: it needs images, one sub-folder per class"
            )
        if folder.is_file():
            raise DataError(f"{folder} is a file, and no shard: pass a folder of images or IDX files, or a TFDS name")
    if name.startswith((os.sep, ".", "~")) or name.endswith(os.sep):
        if folders[0].is_dir():
            raise DataError(f"{name} was prepared by TFDS: pass the data set's name, and the folder as data_dir")
        meant = similar_paths(folders[0])
        raise DataError(f"there is no folder {name!r}{meant or ': pass a folder, a TFDS name or digits'}")
