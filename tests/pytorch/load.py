#!/usr/bin/env python3
"""Loads networks that dlr has trained into PyTorch, and compares what both say of every test image.

    tests/pytorch/load.py [PROGRAM]      PROGRAM is target/release/dlr if it is not given

Needs PyTorch and safetensors (Debian's python3-torch will do for the former). Outputs must agree to 1e-6 with what the
loaded network says in double precision, and the classes of all images but those whose two largest outputs are as near to
each other as that. In single precision PyTorch itself is about as far from that, so it is told, and bounded by twice as
much. Where all 784 inputs are lit, sums have five times as many terms and roundings: there the bounds are 3 times as wide.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
PROGRAM = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TARGET, "release", "dlr"))
DATA = os.path.join(ROOT, "data", "mnist")
BOUND = 1e-6


def dlr(*arguments):
    """Runs dlr, which must end well, and returns what it prints."""
    done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def test_images():
    """The grey levels of MNIST's test images, [10000, 784]."""
    with gzip.open(os.path.join(DATA, "t10k-images-idx3-ubyte.gz")) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)


def in_pytorch(file, sizes, inputs):
    """What the network in `file`, of so many units in each layer, makes of `inputs`, in double and in single precision."""
    layers = [
        layer
        for before, after in zip(sizes, sizes[1:])
        for layer in (torch.nn.Linear(before, after, bias=False), torch.nn.Sigmoid())
    ]
    network = torch.nn.Sequential(*layers)
    network.load_state_dict(load_file(file))
    with torch.no_grad():
        single = network(torch.from_numpy(inputs)).numpy()
        return network.double()(torch.from_numpy(inputs).double()).numpy(), single


def check(folder, name, options, sizes, inputs, flag="--save", bound=BOUND):
    """Trains a network, and compares."""
    file = os.path.join(folder, name)
    dlr("-q", "--images", "5000", *options, flag, file)
    if flag == "--checkpoint":  # has more than weights: through --save, it has not
        plain = os.path.join(folder, "plain")
        dlr("-q", "--load", file, "--epochs", "0", "--save", plain)
        file = plain
    exact, single = in_pytorch(file, sizes, inputs)
    evaluation = json.loads(dlr("evaluate", file, "--json", "--worst", "10000"))
    ours = {image["image"]: image for image in evaluation["worst"]}
    assert len(ours) == len(exact) == 10_000, len(ours)
    answers = np.array([ours[number]["outputs"] for number in range(10_000)])
    ties = 0
    for number, outputs in enumerate(exact):
        image = ours[number]
        if image["predicted"] != outputs.argmax():
            second, first = np.sort(outputs)[-2:]
            assert first - second <= bound, f"{name}, image {number}: {image}, PyTorch has {outputs}"
            ties += 1
    worst, both = np.abs(answers - exact).max(), np.abs(answers - single).max()
    assert worst <= bound and both <= 2 * bound, f"{name}: outputs differ by {worst}, {both} in single precision"
    print(f"{name}: 10,000 images, outputs agree to {worst:.1e} ({both:.1e} in single precision), {ties} ties")


def main():
    unit = (test_images().astype(np.float32) / np.float32(255.0)).astype(np.float32)
    offset = (0.01 + 0.99 * test_images() / 255.0).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        check(folder, "one layer", ["--hidden", "30"], [784, 30, 10], unit)
        check(folder, "three layers", ["--hidden", "40,30,20"], [784, 40, 30, 20, 10], unit)
        check(folder, "offset", ["--hidden", "17", "--inputs", "offset"], [784, 17, 10], offset, bound=3 * BOUND)
        adam = ["--hidden", "30", "--optimizer", "adam"]
        check(folder, "checkpoint", adam, [784, 30, 10], unit, "--checkpoint")


if __name__ == "__main__":
    main()
