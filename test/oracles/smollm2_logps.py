"""Writes test/fixtures/smollm2/: 12 preference rows and the log-probabilities that transformers gives their answers.

pairs.jsonl         {"prompt": [user], "chosen": [assistant], "rejected": [assistant]}: the first right and the first
                    wrong solution of 12 GSM8K problems, evenly spaced over those of the examples that have both
expected-f32.json   {"transformers", "dtype", "rows": [{"chosen": S, "rejected": S}]} with
expected-bf16.json  S = {"ids", "responseStart", "logps"}; logps: natural, one for each of ids[responseStart..]
"""

import json
import sys

import torch
import transformers
from smollm2 import FIXTURES, SOLUTIONS, lay_out, load_model, load_tokenizer, read_json_lines, response_logps

ROWS = 12


def choose_pairs():
    pairs = []
    for row in read_json_lines(SOLUTIONS):
        solutions = [value for value in row.values() if isinstance(value, dict)]
        right = [s["solution"] for s in solutions if s["is_correct"]]
        wrong = [s["solution"] for s in solutions if not s["is_correct"]]
        if right and wrong:
            pairs.append(
                {
                    "prompt": [{"role": "user", "content": row["question"]}],
                    "chosen": [{"role": "assistant", "content": right[0]}],
                    "rejected": [{"role": "assistant", "content": wrong[0]}],
                }
            )
    return [pairs[i * len(pairs) // ROWS] for i in range(ROWS)]


@torch.no_grad()
def score(model, layouts):
    return [
        {
            side: {"ids": ids, "responseStart": start, "logps": response_logps(model, ids, start).tolist()}
            for side, (ids, start) in row.items()
        }
        for row in layouts
    ]


def gaps(rows, others):
    flat = [
        torch.tensor([x for row in scored for side in row.values() for x in side["logps"]], dtype=torch.float64)
        for scored in (rows, others)
    ]
    gap = (flat[0] - flat[1]).abs()
    return f"mean {gap.mean():.2e}, largest {gap.max():.2e}"


torch.set_num_threads(1)
transformers.utils.logging.disable_progress_bar()
tokenizer = load_tokenizer()
pairs = choose_pairs()
FIXTURES.mkdir(parents=True, exist_ok=True)
(FIXTURES / "pairs.jsonl").write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs))
layouts = [{side: lay_out(tokenizer, pair["prompt"], pair[side]) for side in ("chosen", "rejected")} for pair in pairs]
scored = {}
for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
    scored[name] = score(load_model(dtype), layouts)
    value = {"transformers": transformers.__version__, "dtype": name, "rows": scored[name]}
    if name == "bf16":  # bfloat16 logits leave far fewer meaningful digits.
        for row in value["rows"]:
            for side in row.values():
                side["logps"] = [float(f"{x:.6g}") for x in side["logps"]]
    (FIXTURES / f"expected-{name}.json").write_text(json.dumps(value) + "\n")
tokens = sum(len(side["logps"]) for row in scored["f32"] for side in row.values())
print(f"{len(pairs)} pairs, {sum(len(s['ids']) for r in scored['f32'] for s in r.values())} tokens, {tokens} scored")
print("bf16 against f32:", gaps(scored["bf16"], scored["f32"]))
if "--float64" in sys.argv:
    # transformers keeps norms and rotary tables in float32.
    print("f32 against float64:", gaps(scored["f32"], score(load_model(torch.float64), layouts)))
