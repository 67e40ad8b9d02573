"""Make the subset of MNIST that ships with the package: ``python -m course.data.subset RAW_DIR``.

RAW_DIR holds MNIST's four idx files, gzipped or not. The choice is fixed: the same number of every digit, drawn with
one seed, in the order of the original files.
"""

import gzip
import sys
from pathlib import Path

import numpy as np

SEED = 0
SIZES = {"train": ("train", 10_000), "test": ("t10k", 2_000)}


def read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes, gzipped if its name ends in .gz."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def choose(labels: np.ndarray, n: int) -> np.ndarray:
    """Indices of n examples, as many of each digit, in ascending order."""
    rng = np.random.default_rng(SEED)
    return np.sort(np.concatenate([rng.choice(np.flatnonzero(labels == k), n // 10, replace=False) for k in range(10)]))


def make(raw: Path, target: Path) -> None:
    """Write the compressed subset."""
    arrays: dict[str, np.ndarray] = {}
    for split, (prefix, n) in SIZES.items():
        images, labels = (_find(raw, f"{prefix}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        keep = choose(labels, n)
        arrays |= {f"{split}_images": images[keep], f"{split}_labels": labels[keep]}
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]


def _find(raw: Path, name: str) -> np.ndarray:
    for path in (raw / name, raw / f"{name}.gz"):
        if path.is_file():
            return read_idx(path)
    raise FileNotFoundError(f"There is neither {name} nor {name}.gz in {raw}; put MNIST's four idx files there.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m course.data.subset RAW_DIR, the folder with MNIST's four idx files.")
    make(Path(sys.argv[1]), Path(__file__).with_name("mnist.npz"))
