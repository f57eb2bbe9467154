"""Writes test/fixtures/statistics.json: pass@k and paired comparisons by brute force in exact fractions.

    python3 test/oracles/statistics_oracle.py

Only the standard library is used. pass@k counts subsets one by one; the sign-flip p-values go through all 2^n sign
vectors (and, for one sample a problem, are McNemar's exact test through binomial sums); standard errors are
statistics.stdev / sqrt(n); the normal p-value is math.erfc.
"""

import itertools
import json
import math
import pathlib
import random
import statistics
from fractions import Fraction

random.seed(20240501)


def brute_pass_at_k(samples, correct, k):
    wrong = [i >= correct for i in range(samples)]
    subsets = list(itertools.combinations(wrong, k))
    return Fraction(sum(not all(s) for s in subsets), len(subsets))


def standard_error(values):
    return statistics.stdev(values) / math.sqrt(len(values))


def brute_sign_flip(differences):
    nonzero = [d for d in differences if d != 0]
    observed = abs(sum(nonzero))
    hits = sum(
        abs(sum(s * d for s, d in zip(signs, nonzero))) >= observed
        for signs in itertools.product((-1, 1), repeat=len(nonzero))
    )
    return Fraction(hits, 2 ** len(nonzero))


def mcnemar(better, worse):
    n, k = better + worse, min(better, worse)
    return min(Fraction(1), 2 * Fraction(sum(math.comb(n, i) for i in range(k + 1)), 2**n))


def draw(problems, samples):
    rows = []
    for i in range(problems):
        n = random.choice(samples)
        rows.append({"id": f"p{i}", "correct": random.randint(0, n), "samples": n})
    return rows


def rates(rows):
    return [Fraction(r["correct"], r["samples"]) for r in rows]


pass_at_k = []
for samples in ([6], [5, 7, 8]):
    rows = draw(9, samples)
    for k in (1, 2, 3, 5):
        values = [float(brute_pass_at_k(r["samples"], r["correct"], k)) for r in rows]
        pass_at_k.append(
            {"results": rows, "k": k, "mean": statistics.fmean(values), "standardError": standard_error(values)}
        )

paired = []
for problems, samples in ((12, [1]), (12, [4]), (10, [3, 4]), (14, [1, 2, 8])):
    before, after = draw(problems, samples), draw(problems, samples)
    differences = [b - a for a, b in zip(rates(before), rates(after))]
    paired.append(
        {
            "before": before,
            "after": after,
            "difference": float(statistics.mean(differences)),
            "standardError": standard_error([float(d) for d in differences]),
            "pValue": float(brute_sign_flip(differences)),
        }
    )

one_sample = [
    {"better": b, "worse": w, "same": s, "pValue": float(mcnemar(b, w))}
    for b, w, s in ((8, 2, 20), (96, 60, 444), (55, 55, 10), (0, 0, 5), (300, 180, 1500), (1, 0, 0))
]

normal = [{"z": z, "pValue": math.erfc(z / math.sqrt(2))} for z in (0.1, 1.0, 1.96, 3.0, 5.0)]

fixture = {"passAtK": pass_at_k, "paired": paired, "oneSample": one_sample, "normal": normal}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "statistics.json"
path.write_text(json.dumps(fixture) + "\n")
