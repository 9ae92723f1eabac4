"""Prints the numbers of SciPy that the unit tests of src/experiments/ are held against.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 numpy==2.4.6
    venv/bin/python make_numbers.py

Run with Python 3.11.7. Each test says which lines of this output its numbers are.
"""

import numpy as np
from scipy import stats
from scipy.optimize import curve_fit

MISS = 1e9  # stands for infinity: later than any other, and as far from every hit


def wilcoxon(name, ours, theirs, method):
    """Two-sided; `exact` holds without ties only, so that ties go through every one of the 2^n permutations."""
    d = np.subtract(ours, theirs)
    d = np.where(np.abs(d) > MISS / 2, np.sign(d) * MISS, d)
    d = np.round(d[d != 0], 9)
    method = stats.PermutationMethod(n_resamples=np.inf) if method == "all" else method
    print(f"wilcoxon {name}: p = {float(stats.wilcoxon(d, method=method).pvalue)!r}")


wilcoxon("without ties", [5.1, 4.9, 6.2, 7.7, 5.5, 6.1, 4.4, 8.0], [6.0, 5.2, 6.0, 9.1, 7.2, 6.6, 5.5, 7.9], "exact")
wilcoxon("ties", [13, 15, 9, 11, 14, 13, 10, 16, 12, 11], [14, 15, 12, 13, 13, 15, 13, 18, 10, 14], "all")
wilcoxon(
    "misses",
    [7.0, 6.0, MISS, 8.0, MISS, 5.0, 9.0, 6.5, 7.5],
    [9.0, 5.5, 10.0, MISS, MISS, 8.0, MISS, 7.5, 11.0],
    "all",
)
wilcoxon("fifty", [i * (-1.0 if i % 3 == 1 else 1.0) for i in range(1, 51)], [0.0] * 50, "exact")


def welch(*numbers):
    """From mean, standard deviation and size of either sample."""
    _, s1, n1, _, s2, n2 = numbers
    t, p = stats.ttest_ind_from_stats(*numbers, equal_var=False)
    v1, v2 = s1**2 / n1, s2**2 / n2
    df = (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
    print(f"welch {numbers}: t, df, p = {float(t)!r}, {float(df)!r}, {float(p)!r}")


welch(0.95, 0.09, 10, 0.77, 0.10, 5)
welch(0.75, 0.09, 10, 0.77, 0.10, 5)
welch(36.3, 1.2, 5, 29.7, 1.6, 5)
welch(10.0, 0.1, 50, 9.0, 0.2, 40)
welch(1.0, 2.0, 2, 1.0, 3.0, 3)


for hits, n in [(0, 10), (8, 10), (9601, 10000), (1, 1), (59999, 60000)]:
    ends = stats.binomtest(hits, n).proportion_ci(0.95, "wilson")
    print(f"wilson {hits} of {n}: {float(ends.low)!r}, {float(ends.high)!r}")


def curve(t, a, b, c, d):
    return a * np.exp(b * np.cbrt(t) + c * t) + d


def fit(name, t, y, start):
    """Least squares by MINPACK, to the last bits that it can get."""
    y = np.asarray(y)
    found, _ = curve_fit(curve, t, y, p0=start, ftol=1e-15, xtol=1e-15, gtol=1e-15, maxfev=100_000)
    residual = float(((y - curve(t, *found)) ** 2).sum())
    r2 = 1 - residual / float(((y - y.mean()) ** 2).sum())
    print(f"curve_fit {name}: {[float(x) for x in found]}, residual {residual!r}, R^2 {r2!r}")


t = np.arange(21) / 10
exact = curve(t, 0.3, -1.5, -0.2, 0.35)
fit("exact", t, exact, [0.5, -1.0, -0.1, 0.2])

noise = 0.004 * np.sin(np.arange(21) ** 2)  # no random numbers, so that the test can make them, too
# There are two minima: this start leads to the lesser one, the one below to the least.
fit("noisy, from afar", t, exact + noise, [0.5, -1.0, -0.1, 0.2])
fit("noisy", t, exact + noise, [1.0, -1.0, 0.0, 0.0])

# A learning rate averaged over 40 synapses, eta0 (|w| + alpha) / (norm + alpha), whose weights grow as roots
# of the time, each from a beginning and to an end of its own; images instead of epochs.
images = np.arange(0, 120_001, 3_000.0)
k = np.arange(40)[:, None]
w = 0.05 + (0.1 + (k * 7 % 40) / 25) * np.sqrt(images / (images + 4_000 + 900 * k))
rate = (0.6 * (w + 0.3) / (np.sqrt((w**2).sum(axis=0) / 10) + 0.3)).mean(axis=0)
fit("rate", images, rate, [0.2, -1 / 20, -1e-6, 0.3])
print("rate:", [float(rate[i]) for i in (0, 1, 2, 10, 40)])
