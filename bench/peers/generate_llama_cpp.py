"""Samples with llama.cpp's batched decoding, as a peer of bench/generate.ts, which writes the task's file:

    python generate_llama_cpp.py --gguf FILE TASK.json

FILE is the same model (bf16, Q8_0, …). All sequences are decoded in one batch a step, each with its own sampler of
temperature and top-p; every one gets the same number of new tokens.
"""

import argparse
import ctypes
import json
import os
import re
import time
from pathlib import Path

import llama_cpp as ll

parser = argparse.ArgumentParser()
parser.add_argument("--gguf", required=True)
parser.add_argument("task")
args = parser.parse_args()
with open(args.task) as file:
    task = json.load(file)
prompts, tokens = task["prompts"], task["tokens"]
count, longest = len(prompts), max(map(len, prompts))

ll.llama_backend_init()
silent = ll.llama_log_callback(lambda *_: None)
ll.llama_log_set(silent, ctypes.c_void_p(0))
model = ll.llama_model_load_from_file(args.gguf.encode(), ll.llama_model_default_params())
params = ll.llama_context_default_params()
threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
params.n_ctx = count * (longest + tokens + 1)
params.n_seq_max = count
params.n_batch = params.n_ubatch = 2048
params.kv_unified = True
params.n_threads = params.n_threads_batch = threads
context = ll.llama_init_from_model(model, params)
samplers = []
for seed in range(count):
    chain = ll.llama_sampler_chain_init(ll.llama_sampler_chain_default_params())
    ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_top_p(task["topP"], 1))
    ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_temp(task["temperature"]))
    ll.llama_sampler_chain_add(chain, ll.llama_sampler_init_dist(seed))
    samplers.append(chain)
batch = ll.llama_batch_init(2048, 0, 1)


def add(token, position, sequence, wants):
    at = batch.n_tokens
    batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, position, 1
    batch.seq_id[at][0], batch.logits[at] = sequence, wants
    batch.n_tokens += 1
    return at


def decode():
    status = ll.llama_decode(context, batch)
    if status != 0:
        raise RuntimeError(f"llama_decode: {status}")


def run(new):
    ll.llama_memory_clear(ll.llama_get_memory(context), True)
    last = [0] * count
    first = 0
    while first < count:  # as many prompts at a time as fit
        batch.n_tokens, ends = 0, {}
        while first < count and batch.n_tokens + len(prompts[first]) <= 2048:
            for position, token in enumerate(prompts[first]):
                ends[first] = add(token, position, first, position == len(prompts[first]) - 1)
            first += 1
        decode()
        for sequence, at in ends.items():
            last[sequence] = ll.llama_sampler_sample(samplers[sequence], context, at)
    for step in range(1, new):
        batch.n_tokens = 0
        for sequence in range(count):
            add(last[sequence], len(prompts[sequence]) + step - 1, sequence, True)
        decode()
        last = [ll.llama_sampler_sample(samplers[s], context, s) for s in range(count)]


run(3)
started = time.perf_counter()
run(tokens)
seconds = time.perf_counter() - started
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
with open(task["out"], "w") as file:
    json.dump(
        {
            "tokensPerSecond": count * tokens / seconds,
            "peakBytes": peak,
        },
        file,
    )
