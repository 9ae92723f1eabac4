"""Trains the paper's network with PyTorch and writes fixtures.json, the numbers the f64 reference must meet.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 numpy==2.4.6
    venv/bin/python make_fixtures.py

Made with Python 3.11.7 and torch 2.15.0 on a CPU, seed 20200929 (the date of the paper). Another version of
torch may change the last bits of the results; should its random generator change, all numbers do.

Every case trains one network for 1,000 steps in float64 on one thread:

    Linear(inputs, hidden, bias=False), Sigmoid(), Linear(hidden, outputs, bias=False), Sigmoid()

with the loss 1/2 sum_k (y_k - t_k)^2 averaged over the batch and one-hot targets of 0 and 1. Step n = 0, 1,
... takes the patterns n * batch to (n + 1) * batch - 1 of the endlessly repeated cycle. Initial weights and
inputs are exact in float32, so that a float32 trainer starts from the same numbers. Weights keep PyTorch's
layout and names: `0.weight` is [hidden][inputs] and `2.weight` is [outputs][hidden].

SGD, both momenta, Adam, AdaGrad and RMSProp are those of torch.optim. DLR, with either norm, and the Nesterov of the paper's author
have no counterpart there; they are the few lines of `Dlr` and `NesterovAuthors` below, on autograd's
gradients.
"""

import json
import pathlib

import torch

SEED = 20200929
SHAPES = [(12, 5, 3), (20, 11, 4)]  # (inputs, hidden, outputs)
PATTERNS = 8  # in the cycle
DARK = 0.75  # share of inputs that are exactly zero, near MNIST's 81 %
CHECKPOINTS = [7, 1000]  # steps
BATCHES = [1, 4]  # patterns

# Two of each that divides by a root: the usual settings, and others with an epsilon large enough to show in the result.
OPTIMIZERS = [
    {"name": "sgd", "lr": 0.5},
    {"name": "nesterov", "lr": 0.1, "momentum": 0.9},
    {"name": "nesterov-authors", "lr": 0.1, "momentum": 0.8},
    {"name": "adam", "lr": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"name": "adam", "lr": 0.02, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-2},
    {"name": "dlr", "lr": 0.6, "alpha": 0.3, "norm": "pre"},
    {"name": "dlr", "lr": 0.6, "alpha": 0.3, "norm": "post"},
    {"name": "momentum", "lr": 0.1, "momentum": 0.9},
    {"name": "adagrad", "lr": 0.2, "epsilon": 1e-10},
    {"name": "adagrad", "lr": 0.3, "epsilon": 1e-2},
    {"name": "rmsprop", "lr": 0.01, "rho": 0.99, "epsilon": 1e-8},
    {"name": "rmsprop", "lr": 0.02, "rho": 0.9, "epsilon": 1e-2},
]


class Dlr:
    """The paper's Eq. 1 (norm "pre") and Eq. 3 (norm "post"), descending."""

    def __init__(self, parameters, lr, alpha, norm):
        self.parameters, self.lr, self.alpha = list(parameters), lr, alpha
        # A weight is [post][pre]: a pre-synaptic unit's outgoing weights are a column, summed along dim 0.
        self.dim = {"pre": 0, "post": 1}[norm]

    @torch.no_grad()
    def step(self):
        for w in self.parameters:
            norm = torch.linalg.vector_norm(w, dim=self.dim, keepdim=True)
            w -= self.lr * (w.abs() + self.alpha) / (norm + self.alpha) * w.grad


class NesterovAuthors:
    """The rule that the paper's author ran as Nesterov: D = (1 + mu) lr g + mu^2 D, w -= D."""

    def __init__(self, parameters, lr, momentum):
        self.parameters, self.lr, self.momentum = list(parameters), lr, momentum
        self.previous = [torch.zeros_like(w) for w in self.parameters]

    @torch.no_grad()
    def step(self):
        for w, d in zip(self.parameters, self.previous, strict=True):
            d.mul_(self.momentum**2).add_(w.grad, alpha=(1 + self.momentum) * self.lr)
            w -= d


def make_optimizer(parameters, name, lr, **settings):
    match name:
        case "sgd":
            return torch.optim.SGD(parameters, lr=lr)
        case "nesterov":
            return torch.optim.SGD(parameters, lr=lr, nesterov=True, **settings)
        case "nesterov-authors":
            return NesterovAuthors(parameters, lr, **settings)
        case "adam":
            betas = (settings["beta1"], settings["beta2"])
            return torch.optim.Adam(parameters, lr=lr, betas=betas, eps=settings["epsilon"])
        case "momentum":
            return torch.optim.SGD(parameters, lr=lr, **settings)
        case "adagrad":
            return torch.optim.Adagrad(parameters, lr=lr, eps=settings["epsilon"])
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr=lr, alpha=settings["rho"], eps=settings["epsilon"])
        case "dlr":
            return Dlr(parameters, lr, **settings)


def make_network(inputs, hidden, outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden, bias=False),
        torch.nn.Sigmoid(),
        torch.nn.Linear(hidden, outputs, bias=False),
        torch.nn.Sigmoid(),
    )


def make_problem(inputs, hidden, outputs):
    """Initial weights (PyTorch's own), and a cycle of patterns with inputs of 0 or k/256."""
    network = make_network(inputs, hidden, outputs)
    patterns = torch.randint(1, 257, (PATTERNS, inputs)) / 256
    for pattern in patterns:
        # The first input is dark in every pattern, as the border of MNIST is; the other dark ones are drawn.
        dark = 1 + torch.randperm(inputs - 1)[: round(DARK * inputs) - 1]
        pattern[0] = 0
        pattern[dark] = 0
    labels = torch.arange(PATTERNS)[torch.randperm(PATTERNS)] % outputs

    # An input that is lit only in other batches than the present one moves by an optimizer's memory alone.
    seen = torch.stack([(half > 0).any(0) for half in patterns.split(4)])
    assert (seen.sum(0) == 1).any(), "every input is lit in both batches of 4, or in neither"
    return {
        "inputs": inputs,
        "hidden": hidden,
        "outputs": outputs,
        "initial": weights_of(network),
        "patterns": patterns.tolist(),
        "labels": labels.tolist(),
    }


def weights_of(network):
    return {name: weight.tolist() for name, weight in network.state_dict().items()}


def loss_of(y, t):
    return (0.5 * (y - t).square().sum(1)).mean()


def set_gradients(network, x, t, backprop):
    """Gradients of the mean loss of a batch, x [batch][inputs] and t [batch][outputs], into .grad."""
    w1, w2 = network.parameters()
    y = network(x)
    if backprop == "mse":
        hidden_loss = loss_of(y, t)
    else:
        # The author's hidden error is W2 (y - t), without the factor y (1 - y): that of the cross-entropy.
        hidden_loss = torch.nn.functional.binary_cross_entropy(y, t, reduction="sum") / len(t)
    (w1.grad,) = torch.autograd.grad(hidden_loss, w1, retain_graph=True)
    (w2.grad,) = torch.autograd.grad(loss_of(y, t), w2)


def train(problem, settings, backprop, batch):
    """Weights at each checkpoint."""
    network = make_network(problem["inputs"], problem["hidden"], problem["outputs"]).double()
    network.load_state_dict({name: torch.tensor(w).double() for name, w in problem["initial"].items()})
    assert weights_of(network) == problem["initial"]
    patterns = torch.tensor(problem["patterns"]).double()
    targets = torch.nn.functional.one_hot(torch.tensor(problem["labels"]), problem["outputs"]).double()
    optimizer = make_optimizer(network.parameters(), **settings)

    loss_before = loss_of(network(patterns), targets).item()
    checkpoints = []
    for n in range(max(CHECKPOINTS)):
        chosen = torch.arange(n * batch, (n + 1) * batch) % PATTERNS
        set_gradients(network, patterns[chosen], targets[chosen], backprop)
        optimizer.step()
        if n + 1 in CHECKPOINTS:
            checkpoints.append({"steps": n + 1, "weights": weights_of(network)})

    loss_after = loss_of(network(patterns), targets).item()
    print(f"{settings}, {backprop}, batch {batch}: loss {loss_before:.3f} -> {loss_after:.4f}")
    assert loss_after < 0.5 * loss_before, "these settings do not learn"
    return checkpoints


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    problems = [make_problem(*shape) for shape in SHAPES]
    cases = [
        {
            "problem": index,
            "optimizer": settings,
            "backprop": backprop,
            "batch": batch,
            "checkpoints": train(problem, settings, backprop, batch),
        }
        for index, problem in enumerate(problems)
        for backprop in ("mse", "authors")
        if backprop == "mse" or index == 0  # the small shape is enough to tell the two apart
        for settings in OPTIMIZERS
        for batch in BATCHES
    ]
    fixtures = {"torch": torch.__version__, "seed": SEED, "problems": problems, "cases": cases}
    path = pathlib.Path(__file__).with_name("fixtures.json")
    # json writes the shortest decimals that read back as the same float64.
    path.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
