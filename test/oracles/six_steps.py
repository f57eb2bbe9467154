"""Writes test/fixtures/smollm2/six-steps.json: six optimizer steps on SmolLM2-135M in float32, of objectives that are
written here from their papers, in plain PyTorch. Needs pairs.jsonl of smollm2_logps.py.

{"torch", "transformers", "optimizer", "pairsPerStep", "objectives": {name: {"settings", "steps": [
    {"loss", "gradNorm", "sums": [[chosen, rejected], …]}]}}}

Step s (from 0) has the pairs 2s and 2s + 1; SFT and DFT have their chosen answers, KTO all four as responses of their
own. gradNorm is taken before clipping; sums are the pairs' summed log-probabilities before the step's update. KTO's
steps also have "baseline", its z. Names of objectives do these alone and keep what the file says of the others.
--check repeats everything with another attention kernel and prints how far float32 alone moves the figures; it writes
nothing. --tiny does the same with test/fixtures/families/llama and random pairs, in seconds, and writes
test/fixtures/six-steps.json, which also has the "pairs".

Where TRL 1.16 means something else, this computes what docs/objectives.md says: TRL estimates KTO's z from the answers
of a micro-batch, rotated by one, here each prompt of the step has the answer of the next row of the file (the last has
that of the first); TRL's ORPO adds the mean over all tokens of the micro-batch, prompts included, where the paper has
that of each chosen answer; TRL's IPO divides the log-ratios by their lengths, Eq. 17 does not. DFT is the same.
"""

import json
import random
import sys

import torch
import torch.nn.functional as F
import transformers
from smollm2 import FIXTURES, ROOT, lay_out, load_model, load_tokenizer, read_json_lines, response_logps
from transformers import AutoModelForCausalLM

TINY = ROOT / "test" / "fixtures" / "families" / "llama"
STEPS, PAIRS_PER_STEP = 6, 2
OPTIMIZER = {"lr": 1e-5, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0, "clipGradNorm": 1}


def mean_over_pairs(terms):
    return torch.stack(terms).mean()


# Each takes [(chosen logps, rejected logps)] of a step, the same of the starting model, summed, and KTO's baseline.
def sft(pairs, *_):
    return -torch.cat([chosen for chosen, _ in pairs]).mean()


def redi(pairs, *_, alpha=0.8):
    return mean_over_pairs([-chosen.mean() + alpha * rejected.mean() for chosen, rejected in pairs])


def simpo(pairs, *_, beta=2.0, gamma=1.0):
    return mean_over_pairs([-F.logsigmoid(beta * (chosen.mean() - rejected.mean()) - gamma) for chosen, rejected in pairs])


def log_ratios(pairs, reference):
    return [
        (chosen.sum() - ref_chosen, rejected.sum() - ref_rejected)
        for (chosen, rejected), (ref_chosen, ref_rejected) in zip(pairs, reference, strict=True)
    ]


def dpo(pairs, reference, _, beta=0.1):
    return mean_over_pairs(
        [-F.logsigmoid(beta * (chosen - rejected)) for chosen, rejected in log_ratios(pairs, reference)]
    )


def ipo(pairs, reference, _, beta=0.1):
    """arXiv 2310.12036, Eq. 17; its tau is beta."""
    return mean_over_pairs(
        [(chosen - rejected - 1 / (2 * beta)) ** 2 for chosen, rejected in log_ratios(pairs, reference)]
    )


def orpo(pairs, *_, lam=0.1):
    """arXiv 2403.07691, Eqs. 3 to 7."""

    def log_odds(logps):
        likelihood = logps.mean().exp()
        return torch.log(likelihood / (1 - likelihood))

    return mean_over_pairs(
        [-chosen.mean() - lam * F.logsigmoid(log_odds(chosen) - log_odds(rejected)) for chosen, rejected in pairs]
    )


def kto(pairs, reference, baseline, beta=0.1, desirable=1.0, undesirable=1.3):
    """arXiv 2402.01306, Eq. 8: the mean of lambda - v(x, y) over answers."""
    losses = []
    for chosen, rejected in log_ratios(pairs, reference):
        losses.append(desirable - desirable * torch.sigmoid(beta * (chosen - baseline)))
        losses.append(undesirable - undesirable * torch.sigmoid(beta * (baseline - rejected)))
    return torch.stack(losses).mean()


def dft(pairs, *_):
    """arXiv 2508.05629: each token's loss times its own probability, which has no gradient."""
    logps = torch.cat([chosen for chosen, _ in pairs])
    return -(logps.exp().detach() * logps).mean()


# The settings are those of the product's recipes.
OBJECTIVES = {
    "sft": (sft, {}),
    "redi": (redi, {"alpha": 0.8}),
    "simpo": (simpo, {"beta": 2, "gamma": 1}),
    "dpo": (dpo, {"beta": 0.1}),
    "ipo": (ipo, {"name": "dpo", "beta": 0.1, "losses": {"ipo": 1}}),
    "orpo": (orpo, {"lambda": 0.1}),
    "kto": (kto, {"beta": 0.1, "undesirable": 1.3}),
    "dft": (dft, {}),
}
REFERENCED = (dpo, ipo, kto)


def answer_sums(model, sides):
    with torch.no_grad():
        return [response_logps(model, *side).sum() for side in sides]


def unrelated_answers(pairs):
    """Each prompt with the answers of the next pair, by the number of the pair."""
    return [
        [
            (ids[:start] + other_ids[other_start:], start)
            for (ids, start), (other_ids, other_start) in zip(pair, following, strict=True)
        ]
        for pair, following in zip(pairs, pairs[1:] + pairs[:1], strict=True)
    ]


def divided(rows):
    return [rows[s * PAIRS_PER_STEP : (s + 1) * PAIRS_PER_STEP] for s in range(STEPS)]


def follow(model, objective, pairs):
    parameters = list(model.parameters())  # Tied weights once.
    optimizer = torch.optim.AdamW(
        parameters,
        lr=OPTIMIZER["lr"],
        betas=tuple(OPTIMIZER["betas"]),
        eps=OPTIMIZER["eps"],
        weight_decay=OPTIMIZER["weightDecay"],
    )
    steps = divided(pairs)
    reference = [[answer_sums(model, pair) if objective in REFERENCED else None for pair in step] for step in steps]
    unrelated = [sum(step, []) for step in divided(unrelated_answers(pairs))] if objective is kto else [[]] * STEPS
    unrelated_reference = [answer_sums(model, sides) for sides in unrelated]
    records = []
    for step, ref, sides, sides_ref in zip(steps, reference, unrelated, unrelated_reference, strict=True):
        baseline = None
        if objective is kto:
            ratios = torch.stack(answer_sums(model, sides)) - torch.stack(sides_ref)
            baseline = ratios.mean().clamp(min=0)
        logps = [tuple(response_logps(model, *side) for side in pair) for pair in step]
        loss = objective(logps, ref, baseline)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, OPTIMIZER["clipGradNorm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        sums = [[side.sum().item() for side in pair] for pair in logps]
        record = {"loss": loss.item(), "gradNorm": norm.item(), "sums": sums}
        records.append(record if baseline is None else {**record, "baseline": baseline.item()})
    return records


def load_tiny():
    return AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32).eval()


def random_pairs(count):
    """Token 0 is left out: transformers keeps the embedding of the padding token as it is."""
    chance = random.Random(5)

    def tokens(low, high):
        return [chance.randrange(3, 128) for _ in range(chance.randrange(low, high))]

    prompts = [tokens(3, 8) for _ in range(count)]
    return [tuple((prompt + tokens(4, 15), len(prompt)) for _ in range(2)) for prompt in prompts]


def real_pairs():
    tokenizer = load_tokenizer()
    return [
        tuple(lay_out(tokenizer, pair["prompt"], pair[side]) for side in ("chosen", "rejected"))
        for pair in read_json_lines(FIXTURES / "pairs.jsonl")
    ]


transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
check, tiny = "--check" in sys.argv, "--tiny" in sys.argv
names = [name for name in sys.argv[1:] if not name.startswith("--")] or list(OBJECTIVES)
if tiny:
    OPTIMIZER["lr"] = 1e-3
pairs = random_pairs(STEPS * PAIRS_PER_STEP) if tiny else real_pairs()
out = TINY.parents[1] / "six-steps.json" if tiny else FIXTURES / "six-steps.json"
written = json.loads(out.read_text()) if out.exists() else {"objectives": {}}
result = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "optimizer": OPTIMIZER,
    "pairsPerStep": PAIRS_PER_STEP,
    **({"pairs": pairs} if tiny else {}),
    "objectives": {},
}
for kept in ("torch", "transformers", "optimizer", "pairsPerStep"):
    assert check or len(names) == len(OBJECTIVES) or written[kept] == result[kept], f"the file has another {kept}"
for name, (objective, settings) in OBJECTIVES.items():
    if name not in names:
        if not check and name in written["objectives"]:
            result["objectives"][name] = written["objectives"][name]
        continue
    model = load_tiny() if tiny else load_model(torch.float32)
    if check:
        model.set_attn_implementation("eager")
    records = follow(model, objective, pairs)
    result["objectives"][name] = {"settings": settings, "steps": records}
    print(name, *[f"{r['loss']:.6f}/{r['gradNorm']:.4f}" for r in records], flush=True)
    if check:
        for key in ("loss", "gradNorm"):
            known = [r[key] for r in written["objectives"][name]["steps"]]
            moved = max(abs(r[key] - k) / abs(k) for r, k in zip(records, known, strict=True))
            print(f"  {key} moved by at most {moved:.1e} relative")
if not check:
    out.write_text(json.dumps(result, indent=None if tiny else 1) + "\n")
