"""Writes test/fixtures/distributions.json: distribution functions and quantiles (pip install mpmath==1.4.1 scipy==1.17.1).

The normal distribution and log-gamma are mpmath's at 40 digits, the beta distribution is a series in its numbers. Quantiles are SciPy's (scipy.special and scipy.stats), refined by mpmath's root
finder until they hold to 20 digits.
"""

import json
import pathlib

import mpmath as mp
import scipy.special
import scipy.stats

mp.mp.dps = 40


def beta_cdf(x, a, b):
    """By the series of positive terms, x^a (1 - x)^b / (a B(a, b)) * sum of (a + b)_k / (a + 1)_k x^k (DLMF 8.17.8)."""
    x, a, b = mp.mpf(x), mp.mpf(a), mp.mpf(b)
    if x > a / (a + b):
        return 1 - beta_cdf(1 - x, b, a)
    term, total, k = mp.mpf(1), mp.mpf(0), 0
    while term > total * mp.mpf(10) ** -38:
        total += term
        term *= x * (a + b + k) / (a + 1 + k)
        k += 1
    log_beta = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return mp.exp(a * mp.log(x) + b * mp.log(1 - x) - log_beta) / a * total


def student_tails(t, degrees):
    square = mp.mpf(t) ** 2
    return beta_cdf(degrees / (degrees + square), mp.mpf(degrees) / 2, mp.mpf(1) / 2)


def refined(function, start):
    """A root near `start`, which SciPy found; of a positive quantity by its logarithm, so that small ones hold as well."""
    near = (mp.log(start) - mp.mpf(10) ** -7, mp.log(start) + mp.mpf(10) ** -7)
    return float(mp.e ** mp.findroot(lambda u: function(mp.e**u), near, solver="anderson"))


SHAPES = [(1, 31), (25, 7), (0.5, 0.5), (0.5, 14.5), (3, 0.5), (87, 215), (416, 86), (1200, 3), (3000, 7000), (50000, 50000)]
SHARES = [1e-12, 1e-4, 0.025, 0.2, 0.5, 0.8, 0.975, 0.9999]
beta, beta_quantiles = [], []
for a, b in SHAPES:
    mean, deviation = scipy.stats.beta.mean(a, b), scipy.stats.beta.std(a, b)
    for off in (-6, -2, -0.3, 0, 0.7, 3, 6):
        x = mean + off * deviation
        if 0 < x < 1:
            beta.append({"x": x, "a": a, "b": b, "p": float(beta_cdf(mp.mpf(x), a, b))})
    for p in SHARES:
        start = scipy.special.betaincinv(a, b, p)
        if 0 < start < 1 - 1e-6:
            x = refined(lambda x: mp.log(beta_cdf(x, a, b)) - mp.log(mp.mpf(p)), start)
            beta_quantiles.append({"p": p, "a": a, "b": b, "x": x})

DEGREES = [1, 2, 3, 4.5, 7, 29, 120, 2999]
student, student_quantiles = [], []
for degrees in DEGREES:
    for t in (0.01, 0.3, 1, 2.5, 6, 40):
        student.append({"t": t, "degrees": degrees, "p": float(student_tails(t, degrees))})
    for p in (0.5001, 0.6, 0.8, 0.95, 0.975, 0.995, 0.999999):
        start = scipy.special.stdtrit(degrees, p)
        t = refined(lambda t: student_tails(t, degrees) - 2 * (1 - mp.mpf(p)), start)
        student_quantiles.append({"p": p, "degrees": degrees, "t": t})

normal = [{"z": z, "p": float(mp.ncdf(z))} for z in (-37, -12, -5, -2.9, -2.8, -1.96, -0.3, 0, 0.1, 1, 2.82, 2.83, 5)]
normal_quantiles = []
for p in (1e-300, 1e-20, 1e-6, 0.01, 0.025, 0.2, 0.4999, 0.5, 0.51, 0.8, 0.975, 0.9999):
    start = scipy.special.ndtri(p)
    near = (start - 1e-7, start + 1e-7)
    z = mp.findroot(lambda z: mp.log(mp.ncdf(z)) - mp.log(mp.mpf(p)), near, solver="anderson")
    normal_quantiles.append({"p": p, "z": float(z)})

log_gamma = [{"x": x, "value": float(mp.loggamma(x))} for x in (1e-8, 0.1, 0.5, 1, 1.5, 2, 7.25, 14.9, 15, 15.1, 300, 1e6)]

fixture = {
    "beta": beta,
    "betaQuantiles": beta_quantiles,
    "student": student,
    "studentQuantiles": student_quantiles,
    "normal": normal,
    "normalQuantiles": normal_quantiles,
    "logGamma": log_gamma,
}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "distributions.json"
path.write_text(json.dumps(fixture) + "\n")
