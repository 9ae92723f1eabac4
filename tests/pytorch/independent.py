"""Trains on MNIST in float64 with numpy alone, and compares the weights with those another program trained.

    python3 independent.py --initial A.safetensors --final B.safetensors --data DIR \
        --optimizer dlr --lr 0.6 --alpha 0.3 --norm pre --images 6000

It starts from the weights in A, learns the first --images training images in file order, once, and prints how
far the weights in B are from its own. Exit status: 0 if max |a - b| / max |b| is at most 1e-5 in both layers,
1 if it is not, 2 if the arguments or the files are bad.

The network has one hidden layer of logistic units and no biases. A and B hold float32 tensors in the names
and the layout of PyTorch: `0.weight` [hidden][inputs] and `2.weight` [outputs][hidden]. This program shares
no code with the trainer it checks; numpy is all it needs (written with Python 3.11.7 and numpy 2.4.6).

    python3 independent.py --self-test

checks the program itself: its training against fixtures.json, the numbers of PyTorch, and its files and exit
status on small generated ones.
"""

import argparse
import gzip
import json
import pathlib
import sys
import tempfile

import numpy as np

TOLERANCE = 1e-5  # for max |a - b| / max |b|, between float32 and float64 training
FLOOR = 1e-3  # of max |b|; a smaller |b| counts as this much in the elementwise deviation


def read_safetensors(path):
    """The float32 tensors of a safetensors file: length of the header (u64), the header (JSON), raw data."""
    raw = pathlib.Path(path).read_bytes()
    data_start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:data_start])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, not F32")
        begin, end = entry["data_offsets"]
        values = np.frombuffer(raw[data_start:][begin:end], "<f4")
        tensors[name] = values.reshape(entry["shape"])  # refuses a size that does not match
    return tensors


def read_weights(path):
    """W1 [hidden][inputs] and W2 [outputs][hidden] in float64."""
    tensors = read_safetensors(path)
    w1, w2 = (tensors[name].astype(np.float64) for name in ("0.weight", "2.weight"))
    if w1.ndim != 2 or w2.ndim != 2 or w1.shape[0] != w2.shape[1]:
        raise ValueError(f"{path}: shapes {w1.shape} and {w2.shape} are not those of a network")
    return w1, w2


def read_idx(folder, name, count):
    """The first `count` items of an IDX file of bytes, `name` or `name`.gz: [count] or [count][pixels]."""
    path = pathlib.Path(folder) / name
    raw = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dimensions = raw[3]
    shape = np.frombuffer(raw, ">u4", dimensions, 4).astype(int)
    items = np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    if len(items) < count:
        raise ValueError(f"{path}: holds {len(items)} items, fewer than {count}")
    return items[:count].reshape(count, -1) if dimensions > 1 else items[:count]


def logistic(z):
    return 1 / (1 + np.exp(-z))


def gradients(weights, x, t, backprop):
    """Mean gradients over a batch, x [batch][inputs] and t [batch][outputs]."""
    w1, w2 = weights
    h = logistic(x @ w1.T)
    y = logistic(h @ w2.T)
    d2 = (y - t) * y * (1 - y)
    d1 = (d2 if backprop == "mse" else y - t) @ w2 * h * (1 - h)
    return d1.T @ x / len(x), d2.T @ h / len(x)


def sgd(lr):
    return lambda w, g, step, memory: lr * g


def momentum(lr, momentum):
    """Classical momentum, the heavy ball."""

    def change(w, g, step, memory):
        memory["v"] = momentum * memory.get("v", 0) + g
        return lr * memory["v"]

    return change


def nesterov(lr, momentum):
    """Sutskever's form, the one of PyTorch."""

    def change(w, g, step, memory):
        memory["v"] = momentum * memory.get("v", 0) + g
        return lr * (g + momentum * memory["v"])

    return change


def nesterov_authors(lr, momentum):
    """What the paper's author ran as Nesterov."""

    def change(w, g, step, memory):
        memory["d"] = (1 + momentum) * lr * g + momentum**2 * memory.get("d", 0)
        return memory["d"]

    return change


def adam(lr, beta1, beta2, epsilon):
    """Kingma & Ba 2015, Algorithm 1."""

    def change(w, g, step, memory):
        memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        m_hat = memory["m"] / (1 - beta1**step)
        v_hat = memory["v"] / (1 - beta2**step)
        return lr * m_hat / (np.sqrt(v_hat) + epsilon)

    return change


def adagrad(lr, epsilon):
    """Duchi et al. 2011, with epsilon outside the root."""

    def change(w, g, step, memory):
        memory["sum"] = memory.get("sum", 0) + g**2
        return lr * g / (np.sqrt(memory["sum"]) + epsilon)

    return change


def rmsprop(lr, rho, epsilon):
    """Hinton 2012, with epsilon outside the root."""

    def change(w, g, step, memory):
        memory["v"] = rho * memory.get("v", 0) + (1 - rho) * g**2
        return lr * g / (np.sqrt(memory["v"]) + epsilon)

    return change


def dlr(lr, alpha, norm):
    """The paper's Eq. 1 ("pre") and Eq. 3 ("post"). A weight is [post][pre]: Eq. 1 sums down a column."""
    axis = {"pre": 0, "post": 1}[norm]

    def change(w, g, step, memory):
        norms = np.sqrt((w**2).sum(axis, keepdims=True))
        return lr * (np.abs(w) + alpha) / (norms + alpha) * g

    return change


# Each rule, called with its settings, makes a function that returns what to subtract from the weights w for
# the gradient g in step 1, 2, ...; `memory` is a dict per layer that starts empty.
RULES = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "nesterov-authors": nesterov_authors,
    "adam": adam,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "dlr": dlr,
}


def train(weights, x, t, rule, backprop, batch):
    """Weights after one pass over x [n][inputs] and t [n][outputs]; the last batch may be a smaller one."""
    weights = [w.copy() for w in weights]
    memories = [{} for _ in weights]
    for step, start in enumerate(range(0, len(x), batch), 1):
        # Both gradients are taken before either layer moves.
        both = gradients(weights, x[start : start + batch], t[start : start + batch], backprop)
        for w, g, memory in zip(weights, both, memories, strict=True):
            w -= rule(w, g, step, memory)
    return weights


def deviations(a, b):
    """(max |a - b| / max |b|, max of |a - b| / max(|b|, FLOOR max |b|))."""
    difference, size = np.abs(a - b), np.abs(b)
    return (difference.max() / size.max(), (difference / np.maximum(size, FLOOR * size.max())).max())


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--initial", required=True, help="weights before training, safetensors")
    parser.add_argument("--final", required=True, help="weights the other program trained, safetensors")
    parser.add_argument("--data", required=True, help="folder with the MNIST training set, IDX or IDX.gz")
    parser.add_argument("--optimizer", required=True, choices=RULES)
    parser.add_argument("--lr", type=float, required=True, help="learning rate; DLR's eta_0")
    parser.add_argument("--alpha", type=float, help="of DLR")
    parser.add_argument("--norm", choices=["pre", "post"], default="pre", help="of DLR: Eq. 1 or Eq. 3")
    parser.add_argument("--momentum", type=float, help="of momentum, in all three forms")
    parser.add_argument("--beta1", type=float, default=0.9, help="of Adam")
    parser.add_argument("--beta2", type=float, default=0.999, help="of Adam")
    parser.add_argument("--rho", type=float, default=0.99, help="of RMSProp")
    parser.add_argument("--epsilon", type=float, default=1e-8, help="of Adam, AdaGrad and RMSProp")
    parser.add_argument("--backprop", choices=["mse", "authors"], default="mse", help="hidden error")
    parser.add_argument("--batch", type=int, default=1, help="patterns in each step")
    parser.add_argument("--images", type=int, required=True, help="length of training")
    parser.add_argument(
        "--inputs", choices=["unit", "offset"], default="unit", help="p/255 or 0.01 + 0.99 p/255, p a pixel"
    )
    parser.add_argument("--one-hot", default="0.01,0.99", metavar="LOW,HIGH", help="targets")
    options = parser.parse_args(arguments)

    names = {
        "sgd": [],
        "momentum": ["momentum"],
        "nesterov": ["momentum"],
        "nesterov-authors": ["momentum"],
        "adam": ["beta1", "beta2", "epsilon"],
        "adagrad": ["epsilon"],
        "rmsprop": ["rho", "epsilon"],
        "dlr": ["alpha", "norm"],
    }[options.optimizer]
    for name in names:
        if getattr(options, name) is None:
            parser.error(f"--optimizer {options.optimizer} needs --{name}")
    if options.batch < 1 or options.images < 1:
        parser.error("--batch and --images start at 1")
    try:
        options.low, options.high = map(float, options.one_hot.split(","))
    except ValueError:
        parser.error("--one-hot takes two numbers, such as 0.01,0.99")
    options.settings = {"lr": options.lr, **{name: getattr(options, name) for name in names}}
    return options


def compare(options):
    """Trains, prints the deviations, and says whether they are small enough."""
    initial = read_weights(options.initial)
    final = read_weights(options.final)
    pixels = read_idx(options.data, "train-images-idx3-ubyte", options.images)
    labels = read_idx(options.data, "train-labels-idx1-ubyte", options.images)
    if [w.shape for w in initial] != [w.shape for w in final]:
        raise ValueError(f"{options.initial} and {options.final} hold networks of different shapes")
    if pixels.shape[1] != initial[0].shape[1]:
        raise ValueError(f"{options.initial}: {initial[0].shape[1]} inputs for {pixels.shape[1]} pixels")

    x = pixels / 255
    if options.inputs == "offset":
        x = 0.01 + 0.99 * x
    t = np.where(labels[:, None] == np.arange(len(initial[1])), options.high, options.low)
    rule = RULES[options.optimizer](**options.settings)
    trained = train(initial, x, t, rule, options.backprop, options.batch)

    agree = True
    for name, start, ours, theirs in zip(("0.weight", "2.weight"), initial, trained, final, strict=True):
        overall, elementwise = deviations(ours, theirs)
        moved, _ = deviations(start, theirs)
        print(f"{name}: deviation {overall:.2e}, elementwise {elementwise:.2e}, moved {moved:.2e}")
        agree &= bool(overall <= TOLERANCE)  # false for NaN
    print("deviation: max |a - b| / max |b|, a trained here, b from --final; moved: a from --initial")
    print(f"elementwise: max of |a - b| / |b|, with |b| at least {FLOOR:g} of the largest")
    print(f"{'agree' if agree else 'DISAGREE'}: the deviation may be {TOLERANCE:g}")
    return agree


def write_safetensors(path, tensors):
    """Writes arrays as float32."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": offsets}
        data += raw
    header = json.dumps(header).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def self_test():
    """Against PyTorch's numbers, then the whole program on generated files."""
    fixtures = json.loads(pathlib.Path(__file__).with_name("fixtures.json").read_text())
    for case in fixtures["cases"]:
        problem = fixtures["problems"][case["problem"]]
        initial = [np.array(problem["initial"][name]) for name in ("0.weight", "2.weight")]
        settings = dict(case["optimizer"])
        rule = RULES[settings.pop("name")](**settings)
        for checkpoint in case["checkpoints"]:
            cycle = np.arange(checkpoint["steps"] * case["batch"]) % len(problem["patterns"])
            x = np.array(problem["patterns"])[cycle]
            t = np.eye(problem["outputs"])[problem["labels"]][cycle]
            trained = train(initial, x, t, rule, case["backprop"], case["batch"])
            for name, ours in zip(("0.weight", "2.weight"), trained, strict=True):
                overall, _ = deviations(ours, np.array(checkpoint["weights"][name]))
                assert overall <= 1e-12, (case["optimizer"], case["backprop"], case["batch"], name, overall)
    assert len(fixtures["cases"]) == 72
    print(f"training equals PyTorch {fixtures['torch']} in {len(fixtures['cases'])} cases")

    rng = np.random.default_rng(20200929)
    inputs, hidden, outputs, images = 6 * 5, 7, 10, 103
    pixels = rng.integers(256, size=(images, 6, 5), dtype=np.uint8)
    pixels[rng.random(pixels.shape) < 0.75] = 0
    labels = rng.integers(outputs, size=images, dtype=np.uint8)
    shapes = {"0.weight": (hidden, inputs), "2.weight": (outputs, hidden)}
    initial = {name: rng.normal(0, 0.3, shape).astype("<f4") for name, shape in shapes.items()}
    runs = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        images_idx = b"\0\0\x08\x03" + np.array(pixels.shape, ">u4").tobytes() + pixels.tobytes()
        labels_idx = b"\0\0\x08\x01" + np.array(labels.shape, ">u4").tobytes() + labels.tobytes()
        (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images_idx))
        (folder / "train-labels-idx1-ubyte").write_bytes(labels_idx)
        write_safetensors(folder / "initial", initial)
        for arguments in (
            "--optimizer sgd --lr 0.5",
            "--optimizer sgd --lr 0.5 --batch 4 --one-hot 0,1",
            "--optimizer nesterov --lr 0.1 --momentum 0.8 --inputs offset",
            "--optimizer nesterov-authors --lr 0.1 --momentum 0.8 --backprop authors",
            "--optimizer adam --lr 0.01 --epsilon 1e-6 --batch 4",
            "--optimizer momentum --lr 0.1 --momentum 0.8",
            "--optimizer adagrad --lr 0.05 --epsilon 1e-4",
            "--optimizer rmsprop --lr 0.01 --rho 0.9 --epsilon 1e-4 --batch 4",
            "--optimizer dlr --lr 0.6 --alpha 0.3",
            "--optimizer dlr --lr 0.6 --alpha 0.3 --norm post --backprop authors",
        ):
            files = [f"--{name}={folder / name}" for name in ("initial", "final")] + [f"--data={folder}"]
            options = parse([*files, *arguments.split(), "--images", str(images - 1)])
            x = pixels[:-1].reshape(-1, inputs) / 255
            x = 0.01 + 0.99 * x if options.inputs == "offset" else x
            t = options.low + (options.high - options.low) * np.eye(outputs)[labels[:-1]]
            rule = RULES[options.optimizer](**options.settings)
            weights = [initial[name].astype(np.float64) for name in shapes]
            trained = train(weights, x, t, rule, options.backprop, options.batch)
            final = dict(zip(shapes, trained, strict=True))

            write_safetensors(folder / "final", final)
            assert compare(options), arguments
            for name, worst in (("0.weight", 3e-5), ("2.weight", np.nan)):
                spoiled = {key: value.astype("<f4") for key, value in final.items()}
                spoiled[name][1, 2] += worst * np.abs(final[name]).max()
                write_safetensors(folder / "final", spoiled)
                assert not compare(options), (arguments, name)
            write_safetensors(folder / "final", initial)
            assert not compare(options), f"{arguments}: training moved nothing"
            runs += 1
    assert runs == 10
    print(f"self-test passed: files and verdicts of {runs} runs, each with 1 right and 3 wrong final weights")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    options = parse(sys.argv[1:])
    try:
        return 0 if compare(options) else 1
    except (OSError, ValueError, KeyError) as error:
        print(f"independent.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
