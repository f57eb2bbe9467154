"""The same training as a person would write it by hand in PyTorch, as a second peer beside TRL:

    python torch_loop.py --objective redi --dtype bf16 --model DIR --pairs FILE --steps 6 --batch 4 --accumulation 2

REDI (alpha 0.8) or SFT as signed token weights on the cross-entropy, one row at a time so that nothing is padded, the
head in chunks of response tokens so that the full logits never exist. bf16: weights, activations and gradients in
bfloat16 with float32 masters for AdamW. Tokens: all of the rows trained, prompts included. Same output as trl_train.py.
"""

import argparse
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import torch.nn.functional as F
from measure import Steps, finish, read_pairs, versions
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

ALPHA = 0.8
CHUNK = 512

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--objective", choices=["redi", "sft"], required=True)
parser.add_argument("--dtype", choices=["f32", "bf16"], required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--pairs", required=True)
parser.add_argument("--steps", type=int, default=6)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--accumulation", type=int, default=2)
parser.add_argument("--compile", action="store_true", help="torch.compile of the blocks, for any length")
parser.add_argument("--out")
args = parser.parse_args()
if args.steps < 2:
    parser.error("--steps must be at least 2: the first step is not measured")


def lay_out(row, side):
    before = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
    answer = row[side][0]["content"] + tokenizer.eos_token
    prompt = len(tokenizer.encode(before, add_special_tokens=False))
    return torch.tensor([tokenizer.encode(before + answer, add_special_tokens=False)]), prompt


def weighted_rows(rows):
    """[(ids, where the response starts, weight of each of its tokens)] of one optimizer step."""
    if args.objective == "sft":
        answers = [lay_out(row, "chosen") for row in rows]
        total = sum(ids.shape[1] - start for ids, start in answers)
        return [(ids, start, 1 / total) for ids, start in answers]
    out = []
    for row in rows:
        for side, sign in (("chosen", 1.0), ("rejected", -ALPHA)):
            ids, start = lay_out(row, side)
            out.append((ids, start, sign / ((ids.shape[1] - start) * len(rows))))
    return out


def backward(ids, start, weight):
    hidden = blocks(ids, use_cache=False).last_hidden_state
    leaf = hidden.detach().requires_grad_()
    loss, end = 0.0, ids.shape[1]
    for at in range(start, end, CHUNK):
        until = min(at + CHUNK, end)
        logits = model.lm_head(leaf[0, at - 1 : until - 1]).float()
        part = weight * F.cross_entropy(logits, ids[0, at:until], reduction="sum")
        part.backward()
        loss += part.item()
    hidden.backward(leaf.grad)
    return loss


logging.disable_progress_bar()
rows = read_pairs(args.pairs, args.steps * args.batch * args.accumulation)
tokenizer = AutoTokenizer.from_pretrained(args.model)
masters_are_weights = args.dtype == "f32"
model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
weights = list(model.parameters())
masters = weights
if not masters_are_weights:
    masters = [weight.detach().clone().requires_grad_() for weight in weights]
    model.to(torch.bfloat16)
optimizer = torch.optim.AdamW(masters, lr=1e-5, weight_decay=0.0, fused=True)

blocks = torch.compile(model.model, dynamic=True) if args.compile else model.model
steps, losses = Steps(), []
rows_per_step = args.batch * args.accumulation
steps.begin()
for step in range(args.steps):
    loss = 0.0
    for ids, start, weight in weighted_rows(rows[step * rows_per_step : (step + 1) * rows_per_step]):
        steps.add_tokens(ids.numel())
        loss += backward(ids, start, weight)
    if not masters_are_weights:
        for master, weight in zip(masters, weights, strict=True):
            master.grad, weight.grad = weight.grad.float(), None
    torch.nn.utils.clip_grad_norm_(masters, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if not masters_are_weights:
        with torch.no_grad():
            torch._foreach_copy_(weights, masters)
    losses.append(loss)
    steps.end()

finish(
    {
        "peer": "torch",
        "compiled": args.compile,
        "objective": args.objective,
        "dtype": args.dtype,
        "batch": args.batch,
        "accumulation": args.accumulation,
        **steps.summary(),
        "losses": losses,
        "versions": versions("torch", "transformers"),
    },
    args.out,
)
