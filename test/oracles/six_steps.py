"""Writes test/fixtures/smollm2/six-steps.json: six optimizer steps of SFT, REDI, SimPO and DPO on SmolLM2-135M in
float32, in plain PyTorch. Needs pairs.jsonl of smollm2_logps.py.

{"torch", "transformers", "optimizer", "pairsPerStep", "objectives": {name: {"settings", "steps": [
    {"loss", "gradNorm", "sums": [[chosen, rejected], …]}]}}}

Step s (from 0) has the pairs 2s and 2s + 1; SFT has their chosen answers. gradNorm is taken before clipping; sums are
the pairs' summed log-probabilities before the step's update. --check repeats everything with another attention kernel
and prints how far float32 alone moves the figures; it writes nothing.
"""

import json
import sys

import torch
import torch.nn.functional as F
import transformers
from smollm2 import FIXTURES, lay_out, load_model, load_tokenizer, read_json_lines, response_logps

STEPS, PAIRS_PER_STEP = 6, 2
OPTIMIZER = {"lr": 1e-5, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0, "clipGradNorm": 1}


def mean_over_pairs(terms):
    return torch.stack(terms).mean()


# Each takes [(chosen logps, rejected logps)] of a step and the same of the starting model, summed.
def sft(pairs, _):
    return -torch.cat([chosen for chosen, _ in pairs]).mean()


def redi(pairs, _, alpha=0.8):
    return mean_over_pairs([-chosen.mean() + alpha * rejected.mean() for chosen, rejected in pairs])


def simpo(pairs, _, beta=2.0, gamma=1.0):
    return mean_over_pairs([-F.logsigmoid(beta * (chosen.mean() - rejected.mean()) - gamma) for chosen, rejected in pairs])


def dpo(pairs, reference, beta=0.1):
    return mean_over_pairs(
        [
            -F.logsigmoid(beta * ((chosen.sum() - ref_chosen) - (rejected.sum() - ref_rejected)))
            for (chosen, rejected), (ref_chosen, ref_rejected) in zip(pairs, reference, strict=True)
        ]
    )


OBJECTIVES = {
    "sft": (sft, {}),
    "redi": (redi, {"alpha": 0.8}),
    "simpo": (simpo, {"beta": 2, "gamma": 1}),
    "dpo": (dpo, {"beta": 0.1}),
}


def follow(model, objective, steps):
    parameters = list(model.parameters())  # Tied weights once.
    optimizer = torch.optim.AdamW(
        parameters,
        lr=OPTIMIZER["lr"],
        betas=tuple(OPTIMIZER["betas"]),
        eps=OPTIMIZER["eps"],
        weight_decay=OPTIMIZER["weightDecay"],
    )
    with torch.no_grad():
        reference = [[tuple(response_logps(model, *side).sum() for side in pair) for pair in step] for step in steps]
    records = []
    for step, ref in zip(steps, reference, strict=True):
        logps = [tuple(response_logps(model, *side) for side in pair) for pair in step]
        loss = objective(logps, ref)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, OPTIMIZER["clipGradNorm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        sums = [[side.sum().item() for side in pair] for pair in logps]
        records.append({"loss": loss.item(), "gradNorm": norm.item(), "sums": sums})
    return records


transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
check = "--check" in sys.argv
tokenizer = load_tokenizer()
pairs = [
    tuple(lay_out(tokenizer, pair["prompt"], pair[side]) for side in ("chosen", "rejected"))
    for pair in read_json_lines(FIXTURES / "pairs.jsonl")
]
steps = [pairs[s * PAIRS_PER_STEP : (s + 1) * PAIRS_PER_STEP] for s in range(STEPS)]
out = FIXTURES / "six-steps.json"
written = json.loads(out.read_text()) if check else None
result = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "optimizer": OPTIMIZER,
    "pairsPerStep": PAIRS_PER_STEP,
    "objectives": {},
}
for name, (objective, settings) in OBJECTIVES.items():
    model = load_model(torch.float32)
    if check:
        model.set_attn_implementation("eager")
    records = follow(model, objective, steps)
    result["objectives"][name] = {"settings": settings, "steps": records}
    print(name, *[f"{r['loss']:.6f}/{r['gradNorm']:.4f}" for r in records])
    if check:
        for key in ("loss", "gradNorm"):
            known = [r[key] for r in written["objectives"][name]["steps"]]
            moved = max(abs(r[key] - k) / abs(k) for r, k in zip(records, known, strict=True))
            print(f"  {key} moved by at most {moved:.1e} relative")
if not check:
    out.write_text(json.dumps(result, indent=1) + "\n")
