"""Writes test/fixtures/smollm2/six-steps.json: six optimizer steps on SmolLM2-135M in float32, of objectives that are
written here from their papers, in plain PyTorch. Needs pairs.jsonl of smollm2_logps.py.

{"torch", "transformers", "optimizer", "pairsPerStep", "objectives": {name: {"settings", "steps": [
    {"loss", "gradNorm", "sums": [[chosen, rejected], …]}]}}}

Step s (from 0) has the pairs 2s and 2s + 1; SFT and DFT have their chosen answers, KTO all four as responses of their
own. gradNorm is taken before clipping; sums are the pairs' summed log-probabilities before the step's update. KTO's
steps also have "baseline", its z. GKD has the first 24 tokens of the chosen answers and no sums; its "teacher" is
{"ids", "logps"} for each pair, four of them a token: what the starting model finds likeliest there, at temperature 1.5,
once it has read the rejected answer. Names of objectives do these alone and keep what the file says of the others.
--check repeats everything in float64 and prints how far float32 alone moves the figures; it writes nothing. --tiny does
the same with test/fixtures/families/llama and random pairs, in seconds, and writes test/fixtures/six-steps.json, which
also has the "pairs".

Where TRL 1.16 means something else, this computes what docs/objectives.md says: TRL estimates KTO's z from the answers
of a micro-batch, rotated by one, here each prompt of the step has the answer of the next row of the file (the last has
that of the first); TRL's ORPO adds the mean over all tokens of the micro-batch, prompts included, where the paper has
that of each chosen answer. DFT is the same, and so is IPO of mean log-ratios ("ipo"). IPO of sums, as Eq. 17 has it
("ipo-sums"), is left to the tiny model: h, which (h - 5)^2 is taken of at beta 0.1, is a difference of sums over some
300 log-probabilities, and an error of it counts 2 / |h - 5| times in the loss's relative one. On the real model one step
of it is off by 1.75e-4; whether float32 alone explains that is open.
"""

import json
import math
import random
import sys
from typing import NamedTuple

import torch
import torch.nn.functional as F
import transformers
from smollm2 import (
    FIXTURES,
    ROOT,
    lay_out,
    load_model,
    load_tokenizer,
    read_json_lines,
    response_distributions,
    response_logps,
)
from transformers import AutoModelForCausalLM

TINY = ROOT / "test" / "fixtures" / "families" / "llama"
STEPS, PAIRS_PER_STEP = 6, 2
SOFT_TOKENS, TOP_K, TEACHER_TEMPERATURE = 24, 4, 1.5
OPTIMIZER = {"lr": 1e-5, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0, "clipGradNorm": 1}


def mean_over_pairs(terms):
    return torch.stack(terms).mean()


# Each takes [(chosen logps, rejected logps)] of a step, the same of the starting model, summed, and KTO's baseline.
def sft(pairs, *_):
    return -torch.cat([chosen for chosen, _ in pairs]).mean()


def redi(pairs, *_, alpha):
    return mean_over_pairs([-chosen.mean() + alpha * rejected.mean() for chosen, rejected in pairs])


def simpo(pairs, *_, beta, gamma):
    return mean_over_pairs([-F.logsigmoid(beta * (chosen.mean() - rejected.mean()) - gamma) for chosen, rejected in pairs])


def log_ratios(pairs, reference):
    return [
        (chosen.sum() - ref_chosen, rejected.sum() - ref_rejected)
        for (chosen, rejected), (ref_chosen, ref_rejected) in zip(pairs, reference, strict=True)
    ]


def dpo(pairs, reference, _, beta):
    return mean_over_pairs(
        [-F.logsigmoid(beta * (chosen - rejected)) for chosen, rejected in log_ratios(pairs, reference)]
    )


def ipo_sums(pairs, reference, _, beta):
    """arXiv 2310.12036, Eq. 17; its tau is beta."""
    return mean_over_pairs(
        [(chosen - rejected - 1 / (2 * beta)) ** 2 for chosen, rejected in log_ratios(pairs, reference)]
    )


def ipo(pairs, reference, _, beta):
    """The same of mean log-ratios, which is loss_type "ipo" of TRL since github.com/huggingface/trl/pull/1265."""
    means = [
        chosen / len(pair[0]) - rejected / len(pair[1])
        for pair, (chosen, rejected) in zip(pairs, log_ratios(pairs, reference), strict=True)
    ]
    return mean_over_pairs([(mean - 1 / (2 * beta)) ** 2 for mean in means])


def orpo(pairs, *_, **settings):
    """arXiv 2403.07691, Eqs. 3 to 7."""

    def log_odds(logps):
        likelihood = logps.mean().exp()
        return torch.log(likelihood / (1 - likelihood))

    return mean_over_pairs(
        [
            -chosen.mean() - settings["lambda"] * F.logsigmoid(log_odds(chosen) - log_odds(rejected))
            for chosen, rejected in pairs
        ]
    )


def kto(pairs, reference, baseline, beta, undesirable, desirable=1.0):
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


def divergence(nu, pi, beta):
    """arXiv 2306.13649: KL(nu || pi) at 0, KL(pi || nu) at 1, between them its Eq. 1; of log-probs of classes."""

    def kl(p, q):
        return F.kl_div(q, p, log_target=True, reduction="none").sum(-1)

    if beta in (0, 1):
        return kl(nu, pi) if beta == 0 else kl(pi, nu)
    mixture = torch.logaddexp(nu + math.log(beta), pi + math.log(1 - beta))
    return beta * kl(nu, mixture) + (1 - beta) * kl(pi, mixture)


def gkd(answers, teacher, _, beta=0.0):
    """Takes whole log-softmaxes. All tokens outside of the teacher's four are one class more: TRL's loss_add_tail."""
    divergences = []
    for distribution, known in zip(answers, teacher, strict=True):
        ids = torch.tensor(known["ids"])
        nu = torch.tensor(known["logps"], dtype=torch.float64)
        nu = torch.cat([nu, torch.log1p(-nu.exp().sum(-1, keepdim=True))], -1).to(distribution.dtype)
        others = distribution.scatter(1, ids, -torch.inf).logsumexp(-1, keepdim=True)
        pi = torch.cat([distribution.gather(1, ids), others], -1)
        assert min(nu[:, -1].min(), pi[:, -1].min()) > math.log(1e-7), "so little counts as nothing in TRL and in ours"
        divergences.append(divergence(nu, pi, beta))
    return torch.cat(divergences).mean()


class Case(NamedTuple):
    """An objective with its settings; those of a recipe have more that say what the function is."""

    loss: object
    settings: dict = {}
    recipe: dict = {}
    only_tiny: bool = False


# The settings are those of the product's recipes.
IPO = {"name": "dpo", "losses": {"ipo": 1}}
OBJECTIVES = {
    "sft": Case(sft),
    "redi": Case(redi, {"alpha": 0.8}),
    "simpo": Case(simpo, {"beta": 2, "gamma": 1}),
    "dpo": Case(dpo, {"beta": 0.1}),
    "ipo": Case(ipo, {"beta": 0.1}, {**IPO, "length_normalised": True}),
    "ipo-sums": Case(ipo_sums, {"beta": 0.1}, IPO, only_tiny=True),
    "orpo": Case(orpo, {"lambda": 0.1}),
    "kto": Case(kto, {"beta": 0.1, "undesirable": 1.3}),
    "dft": Case(dft),
    "gkd": Case(gkd),
    "gkd-reverse": Case(gkd, {"beta": 1}, {"name": "gkd"}, only_tiny=True),
    "gkd-jsd": Case(gkd, {"beta": 0.5}, {"name": "gkd"}, only_tiny=True),
}
REFERENCED = (dpo, ipo, ipo_sums, kto)


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


@torch.no_grad()
def teacher_of(model, chosen, rejected):
    (ids, start), (before, _) = chosen, rejected
    seen = response_distributions(model, before + ids, len(before) + start)[:SOFT_TOKENS]
    logps, likeliest = torch.log_softmax(seen / TEACHER_TEMPERATURE, -1).topk(TOP_K)
    return {"ids": likeliest.tolist(), "logps": [[round(x, 6) for x in row] for row in logps.tolist()]}


def divided(rows):
    return [rows[s * PAIRS_PER_STEP : (s + 1) * PAIRS_PER_STEP] for s in range(STEPS)]


def follow(model, case, pairs, teacher):
    objective, settings = case.loss, case.settings
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
    if objective is gkd:
        reference = divided(teacher)
    unrelated = [sum(step, []) for step in divided(unrelated_answers(pairs))] if objective is kto else [[]] * STEPS
    unrelated_reference = [answer_sums(model, sides) for sides in unrelated]
    records = []
    for step, ref, sides, sides_ref in zip(steps, reference, unrelated, unrelated_reference, strict=True):
        baseline = None
        if objective is kto:
            ratios = torch.stack(answer_sums(model, sides)) - torch.stack(sides_ref)
            baseline = ratios.mean().clamp(min=0)
        if objective is gkd:
            answers = [response_distributions(model, ids[: start + SOFT_TOKENS], start) for (ids, start), _ in step]
        else:
            answers = [tuple(response_logps(model, *side) for side in pair) for pair in step]
        loss = objective(answers, ref, baseline, **settings)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, OPTIMIZER["clipGradNorm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        record = {"loss": loss.item(), "gradNorm": norm.item()}
        if objective is not gkd:
            record["sums"] = [[side.sum().item() for side in pair] for pair in answers]
        records.append(record if baseline is None else {**record, "baseline": baseline.item()})
    return records


def load_tiny(dtype):
    return AutoModelForCausalLM.from_pretrained(TINY, dtype=dtype).eval()


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
everything = [name for name, case in OBJECTIVES.items() if tiny or not case.only_tiny]
names = [name for name in sys.argv[1:] if not name.startswith("--")] or everything
load = load_tiny if tiny else load_model
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
    assert check or len(names) == len(everything) or written[kept] == result[kept], f"the file has another {kept}"
for name, case in OBJECTIVES.items():
    if name not in names:
        if not check and name in written["objectives"]:
            result["objectives"][name] = written["objectives"][name]
        continue
    model = load(torch.float32)
    teacher = [teacher_of(model, *pair) for pair in pairs] if case.loss is gkd else None
    records = follow(model, case, pairs, teacher)
    result["objectives"][name] = {
        "settings": {**case.recipe, **case.settings},
        **({"teacher": teacher} if teacher else {}),
        "steps": records,
    }
    print(name, *[f"{r['loss']:.6f}/{r['gradNorm']:.4f}" for r in records], flush=True)
    if check:
        exact = follow(load(torch.float64), case, pairs, teacher)
        for key in ("loss", "gradNorm"):
            moved = [abs(r[key] / e[key] - 1) for r, e in zip(records, exact, strict=True)]
            print(f"  {key}: float32 is off by", *[f"{x:.1e}" for x in moved])
if not check:
    out.write_text(json.dumps(result) + "\n")
