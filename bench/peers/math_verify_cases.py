"""Verdicts and times of Math-Verify, for bench/verify.ts.

    python math_verify_cases.py pairs.json results.json

pairs.json is a list of {gold, pred, opts}; opts are settings of answer cases (match, gold_match, boxed_match_priority,
float_rounding, strict, allow_set_relation_comp, malformed_operators, strings, lowercase, bare, bare_gold, bare_pred,
after_think, require_think_and_box). A gold without delimiters is put in dollar signs, as Math-Verify asks for. A pair's
time is that of one run, parsing included; the first pairs warm up and are run again.
"""

import dataclasses
import json
import logging
import re
import sys
import time

from latex2sympy2_extended import NormalizationConfig
from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify

logging.disable(logging.CRITICAL)


def targets(names, opts):
    made = []
    for name in names:
        if name == "latex":
            config = LatexExtractionConfig(boxed_match_priority=opts.get("boxed_match_priority", 0))
            if opts.get("malformed_operators") is False:
                normal = NormalizationConfig(
                    basic_latex=True, units=True, malformed_operators=False, nits=False, boxed="all", equations=False
                )
                config = dataclasses.replace(config, normalization_config=normal)
            made.append(config)
        elif name == "expr":
            made.append(ExprExtractionConfig())
        else:
            strings = tuple(opts.get("strings", ("A", "B", "C", "D")))
            made.append(StringExtractionConfig(strings=strings, lowercase=opts.get("lowercase", True)))
    return made


def delimited(text):
    return text if re.search(r"\$|\\\(|\\\[|\\boxed", text) else f"${text}$"


def verdict(pair):
    opts, gold, pred = pair["opts"], pair["gold"], pair["pred"]
    match = opts.get("match", ["latex", "expr"])
    is_latex = "latex" in opts.get("gold_match", match)
    is_bare = not opts or opts.get("bare") or opts.get("bare_gold")
    if is_latex and is_bare:
        gold = delimited(gold)
    if opts.get("bare") or opts.get("bare_pred"):
        pred = delimited(pred)
    if opts.get("after_think") or opts.get("require_think_and_box"):
        if "</think>" not in pred or (opts.get("require_think_and_box") and "\\boxed" not in pred):
            return False
        pred = pred.split("</think>")[-1]
    parsed_gold = parse(gold, targets(opts.get("gold_match", match), opts))
    parsed = parse(pred, targets(match, opts))
    return verify(
        parsed_gold,
        parsed,
        float_rounding=opts.get("float_rounding", 6),
        strict=opts.get("strict", True),
        allow_set_relation_comp=opts.get("allow_set_relation_comp", False),
    )


def timed(pair):
    started = time.perf_counter()
    try:
        correct = bool(verdict(pair))
    except Exception:
        correct = False
    return {"correct": correct, "ms": (time.perf_counter() - started) * 1000}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        pairs = json.load(file)
    for pair in pairs[:20]:
        timed(pair)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump([timed(pair) for pair in pairs], file)


main()
