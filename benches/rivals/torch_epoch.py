"""PyTorch as most people write it: eager, autograd, torch.optim; DLR by hand, in place, without autograd's graph.

Batch 1 takes a quarter of a millisecond or more per image, nearly all of it calls: a few thousand images are enough.
Adam is the fused one (0.8 of the time of the default at H = 30, batch 1; for SGD there is no difference).
"""

import sys
import time

import common


def main():
    options = common.parse(__doc__.partition("\n")[0], subset=3000)
    try:
        import numpy as np
        import torch
    except ImportError as error:
        sys.exit(f"torch_epoch.py: {error}")
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # old momentum decays into denormals, which are slow

    class Dlr(torch.optim.Optimizer):
        """Eq. 1: a weight is [post][pre], so the outgoing weights of a unit are a column."""

        def __init__(self, parameters, lr, alpha):
            super().__init__(parameters, {"lr": lr, "alpha": alpha})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                lr, alpha = group["lr"], group["alpha"]
                for w in group["params"]:
                    rate = lr / (torch.linalg.vector_norm(w, dim=0) + alpha)
                    w.addcmul_(w.abs().add_(alpha).mul_(rate), w.grad, value=-1)

    def build():
        net = torch.nn.Sequential(
            torch.nn.Linear(pixels.shape[1], options.hidden, bias=False),
            torch.nn.Sigmoid(),
            torch.nn.Linear(options.hidden, common.CLASSES, bias=False),
            torch.nn.Sigmoid(),
        )
        with torch.no_grad():
            for layer, w in zip((net[0], net[2]), initial, strict=True):
                layer.weight.copy_(torch.from_numpy(w.copy()))
        optimizer = {
            "sgd": lambda p: torch.optim.SGD(p, options.lr),
            "dlr": lambda p: Dlr(p, options.lr, options.alpha),
            "nesterov": lambda p: torch.optim.SGD(p, options.lr, options.momentum, nesterov=True),
            "adam": lambda p: torch.optim.Adam(p, options.lr, (options.beta1, options.beta2), options.epsilon, fused=True),
        }[options.optimizer](net.parameters())
        return net, optimizer

    pixels, labels = common.read_images(options.data, "train", options.images)
    initial = common.read_weights(options, pixels.shape[1])
    x = torch.from_numpy(pixels / np.float32(255))
    t = torch.from_numpy(common.one_hot(labels))

    def train(net, optimizer, x, t):
        for start in range(0, len(x), options.batch):
            y = net(x[start : start + options.batch])
            loss = (y - t[start : start + options.batch]).square().sum() * (0.5 / options.batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    warm = options.batch * max(1, 200 // options.batch)
    train(*build(), x[:warm], t[:warm])
    seconds = []
    for _ in range(options.repeats):
        net, optimizer = build()
        begin = time.perf_counter()
        train(net, optimizer, x, t)
        seconds.append(time.perf_counter() - begin)
    trained = [net[i].weight.detach().numpy() for i in (0, 2)]
    common.report("torch", options, seconds, *trained, version=torch.__version__)


if __name__ == "__main__":
    main()
