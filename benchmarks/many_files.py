"""Opening a made ImageNet: a folder of links to real photographs, and the same images as tar shards and as Parquet.

python benchmarks/many_files.py --folder made --images 130000 --classes 1000

For each form it prints the seconds that `open_dataset` takes, wall and CPU, with a new process each time, beside those
of listing the folder alone; and whether the images, their order and their classes are those of the folder. `--epoch`
also reads one epoch at 64 pixels, as training does, and prints the memory of the process along the way. The photographs
are those that scikit-image and scikit-learn install, as JPEGs of 500x375 pixels.
"""

import argparse
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from PIL import Image

SIZE, QUALITY = (500, 375), 50
# Where libraries keep photographs in their packages.
PHOTOGRAPHS = {"skimage": "data/*.[jp][pn]g", "sklearn": "datasets/images/*.jpg"}
SHARDS, ROWS = 16, 100
COMPARED = 500


def main() -> None:
    """Make what is missing, and print a table."""
    args = _parser().parse_args()
    if args.measure:
        print(json.dumps(_measure(Path(args.measure))))
        return
    folder = args.folder / "images"
    if not folder.exists():
        write_folder(folder, args.images, args.classes)
    forms = {"folder": folder, "tar": args.folder / "tar", "Parquet": args.folder / "parquet"}
    writers = {"tar": write_tar, "Parquet": write_parquet}
    for name, write in writers.items():
        if not forms[name].exists():
            write(forms[name], folder)
    print(f"listing {args.images:,} files: {_listing(folder):.2f} s")
    expected = None
    for name, path in forms.items():
        for run in ("first", "again"):
            found = _in_new_process(path)
            expected = expected or found["hash"]
            same = "the same images" if found["hash"] == expected else "OTHER IMAGES"
            seconds = f"{found['seconds']:.2f} s, {found['cpu']:.2f} s of CPU"
            print(f"{name}, {run}: {seconds}, {found['images']:,} images, {found['mebibytes']} MiB, {same}", flush=True)
    if args.epoch:
        for images, mebibytes in epoch(forms["folder"]):
            print(f"{images:,} images read: {mebibytes} MiB", flush=True)


def photographs() -> list[bytes]:
    """JPEGs of one size."""
    found = []
    for package, pattern in PHOTOGRAPHS.items():
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            found += sorted(Path(place).glob(pattern))
    encoded = []
    for path in found:
        stream = io.BytesIO()
        Image.open(path).convert("RGB").resize(SIZE).save(stream, "JPEG", quality=QUALITY)
        encoded.append(stream.getvalue())
    return encoded[:20]


def write_folder(folder: Path, images: int, classes: int) -> None:
    """Links to the photographs, in a folder for each class."""
    originals = folder.with_name("photographs")
    originals.mkdir(parents=True)
    paths = []
    for number, content in enumerate(photographs()):
        paths.append(originals / f"{number}.jpg")
        paths[-1].write_bytes(content)
    for number in range(classes):
        (folder / f"n{number:08}").mkdir(parents=True)
    for number in range(images):
        name = f"n{number % classes:08}"
        # Each class has other photographs in another order.
        (folder / name / f"{name}_{number:08}.JPEG").symlink_to(paths[number * 7919 % len(paths)].resolve())


def files_of(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """(path, class, contents) in the order of the data set."""
    for path in (path for kind in sorted(folder.iterdir()) for path in sorted(kind.iterdir())):
        yield f"{path.parent.name}/{path.name}", path.parent.name, path.read_bytes()


def write_tar(out: Path, folder: Path) -> None:
    """Tar shards with the classes as .cls."""
    out.mkdir()
    files, total = files_of(folder), _count(folder)
    for shard in range(SHARDS):
        images = (shard + 1) * total // SHARDS - shard * total // SHARDS
        with tarfile.open(out / f"x-{shard:05}-of-{SHARDS:05}.tar", "w") as tar:
            for name, kind, content in islice(files, images):
                for path, data in ((name, content), (f"{name.rpartition('.')[0]}.cls", kind.encode())):
                    member = tarfile.TarInfo(path)
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def write_parquet(out: Path, folder: Path) -> None:
    """Tables in the layout of the datasets library."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    out.mkdir()
    files, total, classes = files_of(folder), _count(folder), sorted(kind.name for kind in folder.iterdir())
    label_of = {name: label for label, name in enumerate(classes)}
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    features = {"image": {"_type": "Image"}, "label": {"names": classes, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema({"image": kind, "label": pa.int64()}, metadata)
    for shard in range(SHARDS):
        images = (shard + 1) * total // SHARDS - shard * total // SHARDS
        path = out / f"x-{shard:05}-of-{SHARDS:05}.parquet"
        with parquet.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
            part = islice(files, images)
            while rows := list(islice(part, ROWS)):
                records = [{"bytes": content, "path": name} for name, _, content in rows]
                labels = [label_of[name] for _, name, _ in rows]
                writer.write_table(pa.table([pa.array(records, kind), pa.array(labels)], schema=schema))


def epoch(path: Path) -> Iterator[tuple[int, int]]:
    """Images read so far, and the memory of the process in MiB, ten times in an epoch."""
    from zoo.data import Preprocessing, open_dataset, train_batches

    source, batch = open_dataset(path).train, 128
    fitted = Preprocessing(image_shape=(64, 64, 3), mean=(0.5,) * 3, std=(0.5,) * 3)
    batches = train_batches(source, preprocessing=fitted, batch_size=batch, seed=0)
    steps = len(source) // batch
    for step, _ in enumerate(islice(batches, steps)):
        if step % max(1, steps // 10) == 0 or step == steps - 1:
            yield (step + 1) * batch, _resident()


def _measure(path: Path) -> dict[str, object]:
    """What opening costs in this process, and a hash of the names, the labels and some of the images."""
    import hashlib

    from zoo.data import open_dataset

    open_dataset("digits")
    start, cpu = time.perf_counter(), time.process_time()
    data = open_dataset(path)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found = hashlib.sha256()
    for source in (data.train, data.test):
        found.update("\n".join(source.files).encode())
        found.update(" ".join(str(label) for label in source.labels).encode())
        for index in range(0, len(source), max(1, len(source) // COMPARED)):
            found.update(source[index]["image"].tobytes())
    images = len(data.train) + len(data.test)
    return {"seconds": seconds, "cpu": cpu, "images": images, "mebibytes": peak, "hash": found.hexdigest()}


def _in_new_process(path: Path) -> dict:
    command = [sys.executable, __file__, "--measure", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _listing(folder: Path) -> float:
    start = time.perf_counter()
    _count(folder)
    return time.perf_counter() - start


def _count(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 2**20


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("made"), help="where they are made (default: made)")
    parser.add_argument("--images", type=int, default=130_000, metavar="N")
    parser.add_argument("--classes", type=int, default=1000, metavar="N")
    parser.add_argument("--epoch", action="store_true", help="read an epoch too, and print the memory")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
