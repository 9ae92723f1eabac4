"""What the Python rivals share: options, MNIST, weights, and the JSON line that each prints. Needs numpy."""

import argparse
import ctypes
import json
import os
import pathlib
import sys

import numpy as np

CLASSES = 10
# Keep freed memory: numpy's large temporaries would otherwise be fetched from the system anew at every image, which
# takes three quarters of paper.py's time at H = 30.
if hasattr(ctypes.CDLL(None), "mallopt"):  # glibc
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 32 << 20)
    ctypes.CDLL(None).mallopt(M_TRIM_THRESHOLD, 1 << 30)

# The state that each optimizer keeps per weight, in arrays as large as the weights.
MOMENTS = {"sgd": 0, "dlr": 0, "nesterov": 1, "adam": 2}


def parse(description, subset=60000):
    """The options of every rival; `subset` is how many images it trains on unless told otherwise."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="folder with the four IDX files, unpacked")
    parser.add_argument("--initial", required=True, help="initial weights: W1[hidden][inputs], then W2[10][hidden], raw f32")
    parser.add_argument("--final", help="write the trained weights here, in the same form")
    parser.add_argument("--optimizer", choices=MOMENTS, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--batch", type=int, default=1, help="images per update; must divide --images")
    parser.add_argument("--images", type=int, default=subset, help="the first N training images, in file order [%(default)s]")
    parser.add_argument("--repeats", type=int, default=3, help="passes, each from the initial weights [%(default)s]")
    parser.add_argument("--threads", type=int, default=1)
    for name, value in {"lr": None, "alpha": 1, "momentum": 0.8, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-4}.items():
        parser.add_argument(f"--{name}", type=float, default=value, required=value is None)
    options = parser.parse_args()
    if min(options.hidden, options.batch, options.images, options.repeats, options.threads) < 1:
        parser.error("--hidden, --batch, --images, --repeats and --threads start at 1")
    if options.images % options.batch:
        parser.error("--batch must divide --images")
    return options


def read_idx(path, header):
    try:
        return np.frombuffer(pathlib.Path(path).read_bytes(), np.uint8, offset=header)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")


def read_images(folder, part, count=None):
    """Grey levels [n][inputs] and labels [n], both bytes; `part` is train or t10k."""
    labels = read_idx(f"{folder}/{part}-labels-idx1-ubyte", 8)
    pixels = read_idx(f"{folder}/{part}-images-idx3-ubyte", 16).reshape(len(labels), -1)
    if count is not None and count > len(labels):
        sys.exit(f"{folder}: holds {len(labels)} training images, fewer than {count}")
    return pixels[:count], labels[:count]


def one_hot(labels):
    return np.eye(CLASSES, dtype=np.float32)[labels]


def read_weights(options, inputs):
    """W1 [hidden][inputs] and W2 [10][hidden]."""
    raw = np.fromfile(options.initial, "<f4")
    if raw.size != options.hidden * (inputs + CLASSES):
        sys.exit(f"{options.initial}: {raw.size} weights, not those of {inputs}-{options.hidden}-{CLASSES}")
    split = options.hidden * inputs
    return raw[:split].reshape(options.hidden, inputs), raw[split:].reshape(CLASSES, options.hidden)


def accuracy(w1, w2, pixels, labels):
    h = 1 / (1 + np.exp(-(pixels / np.float32(255)) @ w1.T))
    return float((np.argmax(h @ w2.T, axis=1) == labels).mean())  # the last logistic keeps the order


def report(rival, options, seconds, w1, w2, **more):
    """Tests and writes the trained weights, W1 [hidden][inputs] and W2 [10][hidden], and prints the JSON line."""
    if options.final:
        with open(options.final, "wb") as file:
            for w in (w1, w2):
                file.write(np.ascontiguousarray(w, "<f4").tobytes())
    line = {
        "rival": rival,
        "optimizer": options.optimizer,
        "hidden": options.hidden,
        "batch": options.batch,
        "images": options.images,
        "threads": options.threads,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": [round(s, 6) for s in seconds],
        "ns_per_image": round(min(seconds) / options.images * 1e9, 1),
        "test_accuracy": accuracy(w1, w2, *read_images(options.data, "t10k")),
        **more,
    }
    print(json.dumps(line))
