"""JAX at its best: a pass over the images is one program, compiled by XLA, with a `lax.scan` over the updates.

The forms below are the fastest of those tried with JAX 0.10.2 on one core of an AMD EPYC (Zen 4). Microseconds per
image at H = 30 (batch 1, unless it says otherwise), this form against the other:

    W1 as [hidden][inputs], so that loops run along the 784 inputs, not along H: sgd 3.1 against 7.3, dlr 5.8 against
        12.5, nesterov 5.0 against 11, adam 13 against 39; sgd at H = 100: 8.1 against 9.8; sgd, batch 100: 1.36
        against 1.72
    W1 x as a dot product: sgd 3.0 against 7.6 as a sum of products
    W2's three small products as sums of products: 0 to 5 % faster than dot products; W2 as [10][hidden]: no difference
    W1's gradient as a broadcast product, which XLA fuses with the update
    scan with unroll 1: 4 is within 5 %, either way
    DLR's norm as sum(w * w): dlr 5.8; einsum the same; a product with a row of ones takes 1.6 times as long
    f32 pixels for batch 1 (bytes, converted in the scan: 3.5 against 3.0), bytes for batches (f32: 1.44 against 1.36)

None of a dozen XLA flags (vector width, fast math, fusion, scheduler, small loops, flushing) was outside the noise.
"""

import os
import sys
import time

import common


def environment(threads):
    """Must be set before JAX is imported."""
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    os.environ["JAX_PLATFORMS"] = "cpu"


def rule(jnp, options):
    """new w, new moments <- w, gradient, moments, Adam's step sizes, axis that DLR's norm sums over."""
    lr, mu, b1, b2 = options.lr, options.momentum, options.beta1, options.beta2

    def sgd(w, g, moments, scale, axis):
        return w - lr * g, moments

    def dlr(w, g, moments, scale, axis):
        norm = jnp.sqrt(jnp.sum(w * w, axis, keepdims=True))
        return w - (jnp.abs(w) + options.alpha) * (lr / (norm + options.alpha) * g), moments

    def nesterov(w, g, moments, scale, axis):
        v = mu * moments[0] + g
        return w - lr * (g + mu * v), (v,)

    def adam(w, g, moments, scale, axis):
        m = b1 * moments[0] + (1 - b1) * g
        v = b2 * moments[1] + (1 - b2) * g * g
        return w - scale[0] * m / (jnp.sqrt(v) * scale[1] + options.epsilon), (m, v)

    return {"sgd": sgd, "dlr": dlr, "nesterov": nesterov, "adam": adam}[options.optimizer]


def main():
    options = common.parse(__doc__.partition("\n")[0])
    environment(options.threads)
    try:
        import jax
        import jax.numpy as jnp
        import numpy as np
    except ImportError as error:
        sys.exit(f"jax_epoch.py: {error}")

    online = options.batch == 1
    update = rule(jnp, options)

    def gradients(w1, w2, x, t):
        """W1 [hidden][inputs], W2 [10][hidden]; x [inputs], t [10], or with a batch dimension in front."""
        if online:
            h = jax.nn.sigmoid(w1 @ x)
            y = jax.nn.sigmoid(jnp.sum(w2 * h, 1))
            d2 = (y - t) * y * (1 - y)
            d1 = jnp.sum(w2 * d2[:, None], 0) * h * (1 - h)
            return d1[:, None] * x, d2[:, None] * h
        h = jax.nn.sigmoid(x @ w1.T)
        y = jax.nn.sigmoid(h @ w2.T)
        d2 = (y - t) * y * (1 - y) / options.batch
        d1 = (d2 @ w2) * h * (1 - h)
        return d1.T @ x, d2.T @ h

    def step(state, image):
        w1, w2, moments1, moments2, decayed1, decayed2 = state
        x, t = image
        if x.dtype == jnp.uint8:
            x = x.astype(jnp.float32) * np.float32(1 / 255)
        decayed1, decayed2 = decayed1 * options.beta1, decayed2 * options.beta2
        scale = options.lr / (1 - decayed1), jax.lax.rsqrt(1 - decayed2)
        g1, g2 = gradients(w1, w2, x, t)
        w1, moments1 = update(w1, g1, moments1, scale, 0)
        w2, moments2 = update(w2, g2, moments2, scale, 0)
        return (w1, w2, moments1, moments2, decayed1, decayed2), None

    def epoch(state, x, t):
        return jax.lax.scan(step, state, (x, t))[0]

    pixels, labels = common.read_images(options.data, "train", options.images)
    initial = common.read_weights(options, pixels.shape[1])

    def start():
        w1, w2 = (jnp.array(w) for w in initial)
        moments = [tuple(jnp.zeros_like(w) for _ in range(common.MOMENTS[options.optimizer])) for w in (w1, w2)]
        return w1, w2, *moments, jnp.float32(1), jnp.float32(1)

    shape = (options.images,) if online else (options.images // options.batch, options.batch)
    x = jnp.array((pixels / np.float32(255) if online else pixels).reshape(*shape, -1))
    t = jnp.array(common.one_hot(labels).reshape(*shape, -1))
    program = jax.jit(epoch, donate_argnums=0).lower(start(), x, t).compile()

    seconds = []
    for _ in range(options.repeats + 1):  # the first touches the memory, and is not counted
        state = start()
        jax.block_until_ready((state, x, t))
        begin = time.perf_counter()
        state = program(state, x, t)
        jax.block_until_ready(state)
        seconds.append(time.perf_counter() - begin)
    common.report("jax", options, seconds[1:], np.asarray(state[0]), np.asarray(state[1]), version=jax.__version__)


if __name__ == "__main__":
    main()
