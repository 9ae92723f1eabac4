"""The paper's formulas as a scientist types them: numpy, double precision, one image at a time, a matrix per layer.

Every pixel counts, dark or lit. DLR's matrix of learning rates is made anew from all weights at every image, as
Eq. 1 stands. Batches are not part of the paper.
"""

import sys
import time

import common
import numpy as np


def logistic(z):
    return 1 / (1 + np.exp(-z))


class Layer:
    """Weights [post][pre], which change by Eq. 2 or by the optimizers that the paper compares it with."""

    def __init__(self, w, options):
        self.w = w.astype(np.float64)
        self.v = np.zeros_like(self.w)
        self.m = np.zeros_like(self.w)
        self.steps = 0
        self.options = options
        self.change = getattr(self, options.optimizer)

    def sgd(self, g):
        return self.options.lr * g

    def dlr(self, g):
        alpha = self.options.alpha
        norm = np.linalg.norm(self.w, axis=0)
        return self.options.lr * (np.abs(self.w) + alpha) / (norm + alpha) * g

    def nesterov(self, g):
        mu = self.options.momentum
        self.v = mu * self.v + g
        return self.options.lr * (g + mu * self.v)

    def adam(self, g):
        o = self.options
        self.steps += 1
        self.m = o.beta1 * self.m + (1 - o.beta1) * g
        self.v = o.beta2 * self.v + (1 - o.beta2) * g**2
        m_hat = self.m / (1 - o.beta1**self.steps)
        v_hat = self.v / (1 - o.beta2**self.steps)
        return o.lr * m_hat / (np.sqrt(v_hat) + o.epsilon)


def learn(first, second, x, t):
    h = logistic(first.w @ x)
    y = logistic(second.w @ h)
    d2 = (y - t) * y * (1 - y)
    d1 = (second.w.T @ d2) * h * (1 - h)
    second.w -= second.change(np.outer(d2, h))
    first.w -= first.change(np.outer(d1, x))


def main():
    options = common.parse(__doc__.partition("\n")[0], subset=2000)
    if options.batch != 1:
        sys.exit("paper.py: the paper learns image by image: --batch 1 only")
    pixels, labels = common.read_images(options.data, "train", options.images)
    initial = common.read_weights(options, pixels.shape[1])
    x, t = pixels / 255, common.one_hot(labels).astype(np.float64)

    seconds = []
    for _ in range(options.repeats):
        first, second = (Layer(w, options) for w in initial)
        begin = time.perf_counter()
        for pair in zip(x, t, strict=True):
            learn(first, second, *pair)
        seconds.append(time.perf_counter() - begin)
    weights = [layer.w.astype(np.float32) for layer in (first, second)]
    common.report("paper", options, seconds, *weights, version=f"numpy {np.__version__}")


if __name__ == "__main__":
    main()
