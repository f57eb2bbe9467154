"""Elementary functions to 110 digits by mpmath, for src/verify/bigfloat.test.ts.

    python test/oracles/bigfloat.py > test/fixtures/bigfloat.json

Needs mpmath 1.3. Arguments are fractions "n/d", so that both sides begin with the same number.
"""

import json
import random

from mpmath import mp, mpf

mp.dps = 130
DIGITS = 110


def value(fraction):
    n, d = fraction.split("/")
    return mpf(int(n)) / mpf(int(d))


def text(x):
    return mp.nstr(x, DIGITS, min_fixed=1, max_fixed=0)


def row(name, function, *fractions):
    return {"name": name, "args": list(fractions), "value": text(function(*map(value, fractions)))}


def main():
    random.seed(7)
    small = ["1/3", "-1/3", "1/1", "-7/2", "22/7", "1/1000000", "-1/1000000007", "355/113", "100/1", "-100/1"]
    wide = small + [f"{random.randint(-10**9, 10**9)}/{random.randint(1, 10**6)}" for _ in range(8)]
    positive = [
        "1/3", "1/1", "2/1", "3/2", "1000001/1000000", "999999/1000000", "1/1000000007", "123456789/10",
        f"{10**60 + 1}/1", f"1/{10**60 + 7}", "1048577/1048576",
    ]
    rows = [row("pi", lambda: +mp.pi)]
    rows += [row("exp", mp.exp, x) for x in small + ["700/3", "-12345/17", "1/340282366920938463463374607431768211456"]]
    rows += [row("ln", mp.log, x) for x in positive if x != "1/1"]
    rows += [row("sqrt", mp.sqrt, x) for x in positive]
    rows += [row("sin", mp.sin, x) for x in wide]
    rows += [row("cos", mp.cos, x) for x in wide]
    points = [("1/1", "1/1"), ("1/1", "-1/1"), ("-1/1", "-1/3"), ("-2/1", "5/1"), ("1/1000000007", "1/1"),
              ("1/1000000007", "-1/1"), ("3/1", "1/100000"), ("0/1", "1/1"), ("0/1", "-1/1"), ("1/1", "0/1")]
    rows += [row("atan2", mp.atan2, y, x) for y, x in points]
    print(json.dumps(rows, indent=1))


main()
