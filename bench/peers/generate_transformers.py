"""Samples with transformers' generate, as a peer of bench/generate.ts, which writes the task's file:

    python generate_transformers.py TASK.json

All prompts in one batch, padded on the left; every one gets the same number of new tokens (the end is never drawn).
"""

import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from measure import peak_rss_bytes
from transformers import AutoModelForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()
with open(sys.argv[1]) as file:
    task = json.load(file)

dtype = {"bf16": torch.bfloat16, "f32": torch.float32}[task["dtype"]]
model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=dtype).eval()
longest = max(map(len, task["prompts"]))
pad = 0
ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in task["prompts"]])
mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in task["prompts"]])


def generate(tokens):
    with torch.inference_mode():
        return model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=task["temperature"],
            top_p=task["topP"],
            top_k=0,
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            pad_token_id=pad,
        )


torch.manual_seed(1)
generate(3)
started = time.perf_counter()
out = generate(task["tokens"])
seconds = time.perf_counter() - started
new = (out.shape[1] - longest) * len(task["prompts"])
assert new == task["tokens"] * len(task["prompts"]), out.shape
with open(task["out"], "w") as file:
    json.dump(
        {
            "tokensPerSecond": new / seconds,
            "peakBytes": peak_rss_bytes(),
        },
        file,
    )
