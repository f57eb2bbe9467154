"""Writes test/fixtures/schedule.json: learning rates of transformers' schedules with warm-up.

    python3 test/oracles/schedule.py

Needs torch and transformers (made with 2.11 and 5.23). The optimizer's rate is read before each step, as the update
uses it; warm-up steps are rounded up as TrainingArguments.get_warmup_steps does.
"""

import json
import math
import pathlib

import torch
import transformers

NAMES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
RUNS = [(1661, 0.1, 1e-6), (30, 0.1, 5e-5), (7, 0.3, 1.0), (10, 0.0, 2e-4), (5, 1.0, 1e-3), (1, 0.1, 1.0)]


def rates(decay, total, ratio, peak):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=peak)
    scheduler = transformers.get_scheduler(
        NAMES[decay], optimizer, num_warmup_steps=math.ceil(total * ratio), num_training_steps=total
    )
    result = []
    for _ in range(total):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return result


def kept(total):
    return [s for s in range(total) if total <= 30 or s % 83 == 0 or s in (1, 165, 166, 167, 168, total - 1)]


runs = []
for decay in NAMES:
    for total, ratio, peak in RUNS:
        every = rates(decay, total, ratio, peak)
        steps = kept(total)
        runs.append(
            {
                "decay": decay,
                "totalSteps": total,
                "warmupRatio": ratio,
                "peak": peak,
                "steps": steps,
                "rates": [every[s] for s in steps],
            }
        )

path = pathlib.Path(__file__).parent.parent / "fixtures" / "schedule.json"
path.write_text(json.dumps(runs) + "\n")
