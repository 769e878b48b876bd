"""Which sub-folders of a folder are its training and test split, by their names."""

import re
from typing import Literal

from zoo.data.errors import DataError
from zoo.data.sources.image_tree import ImageTree
from zoo.errors import list_some

Kind = Literal["train", "test", "validation"]

SPLIT_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("train", "training", "trainval", "trn"), "train"),
    **dict.fromkeys(("test", "tests", "testing", "tst"), "test"),
    **dict.fromkeys(
        ("val", "valid", "validation", "validate", "dev", "devel", "eval", "evaluation", "holdout"), "validation"
    ),
}
# Words that say nothing beside one of these, or after it in one word: train_images, TestSet, valdata.
FILLERS = ("dataset", "set", "data", "images", "image", "imgs", "img", "split", "folder", "photos", "pictures")
_WITH_FILLER = re.compile(rf"(\w+?)({'|'.join(FILLERS)})?")

# The folders of each kind of split among siblings of one naming: train and test, or seg_train and seg_test.
Group = dict[Kind, list[ImageTree]]


def find_splits(tree: ImageTree) -> tuple[ImageTree, ImageTree] | None:
    """The folders of the training and the test split; None where the sub-folders are classes.

    A split has a name such as train, Training, val2017, test_set or TrainData, and class folders. The test split is
    `test`, or `validation` where there is none with class folders. Raises DataError for splits that are incomplete or
    ambiguous: they are never taken for classes.
    """
    groups = split_groups(tree)
    pairs = [group for group in groups.values() if "train" in group and len(group) > 1]
    if len(pairs) > 1:
        names = (folder.name for group in pairs for folders in group.values() for folder in folders)
        raise DataError(f"{tree.path} has more than one training split (among {list_some(names, 6)}): keep one")
    if pairs:
        return _train_and_test(tree, pairs[0])
    _refuse_single_split(tree, groups.get((), {}))
    _refuse_similar_names(tree)
    return None


def split_groups(tree: ImageTree) -> dict[tuple[str, ...], Group]:
    """The sub-folders with images that are named as splits, by the words of their names that are not a split's."""
    groups: dict[tuple[str, ...], Group] = {}
    for name, folder in tree.folders_with_images().items():
        if found := split_kind(name):
            kind, rest = found
            groups.setdefault(rest, {}).setdefault(kind, []).append(folder)
    return groups


def split_kind(name: str) -> tuple[Kind, tuple[str, ...]] | None:
    """The split that a folder's name has in it, and the name's other words; None for any other name."""
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]
    kinds = [SPLIT_WORDS.get(match[1]) for word in words if (match := _WITH_FILLER.fullmatch(word))]
    found = {kind for kind in kinds if kind}
    if found == {"train", "validation"}:
        # TrainVal and train_val are both together, as trainval is.
        found = {"train"}
    if len(found) != 1:
        return None
    rest = tuple(word for word, kind in zip(words, kinds, strict=True) if not kind and word not in FILLERS)
    return found.pop(), rest


def _train_and_test(tree: ImageTree, group: Group) -> tuple[ImageTree, ImageTree]:
    train = _the_only_one(tree, group["train"])
    if not train.folders_with_images():
        others = list_some(folder.name for kind, folders in group.items() if kind != "train" for folder in folders)
        raise DataError(
            f"{tree.path} has {train.name} and {others}, but {train.name} has no class folders: put its images into "
            "one sub-folder per class, or rename it if it is a class"
        )
    for kind in ("test", "validation"):
        with_classes = [folder for folder in group.get(kind, []) if folder.folders_with_images()]
        if with_classes:
            return train, _the_only_one(tree, with_classes)
    raise _no_test(tree, train)


def _the_only_one(tree: ImageTree, folders: list[ImageTree]) -> ImageTree:
    if len(folders) > 1:
        names = " and ".join(folder.name for folder in folders)
        raise DataError(f"{tree.path} has {names}, which are the same split: keep one of them")
    return folders[0]


def _refuse_single_split(tree: ImageTree, group: Group) -> None:
    """Raise for folders that are surely meant as a split, without their counterpart."""
    named = [folder for folders in group.values() for folder in folders]
    for folder in named:
        # A folder with images of its own may be a class that happens to have this name.
        if folder.folders_with_images() and not folder.images:
            if "train" in group:
                raise _no_test(tree, folder)
            raise DataError(
                f"{tree.path} has {folder.name} but no train: add it, or pass {folder.path} to split it; rename it "
                "if it is a class"
            )
    if len(named) > 1 and len(named) == len(tree.folders_with_images()):
        names = list_some(folder.name for folder in named)
        raise DataError(f"{tree.path} has only {names}, which are names of splits: rename them if they are classes")


def _refuse_similar_names(tree: ImageTree) -> None:
    """Raise for folders of the same classes that have the parts of a split in longer words, as Trainingsdaten."""
    folders = tree.folders_with_images().values()
    for train in (folder for folder in folders if "train" in folder.name.casefold()):
        for test in (folder for folder in folders if re.search("test|val|eval", folder.name.casefold())):
            if train is not test and train.folders_with_images().keys() & test.folders_with_images().keys():
                raise DataError(
                    f"{tree.path} has {train.name} and {test.name} with the same sub-folders: name them train and test "
                    "if they are splits, or give them other names if they are classes"
                )


def _no_test(tree: ImageTree, train: ImageTree) -> DataError:
    return DataError(
        f"{tree.path} has {train.name} but no test, val or validation with class folders: add one, or pass "
        f"{train.path} to split it"
    )
