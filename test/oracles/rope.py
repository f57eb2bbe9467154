"""Writes test/fixtures/rope.json: rotary frequencies and logits of transformers under every scaling of rope
(pip install torch==2.11.0 transformers==5.23.0).

"frequencies": [{"name", "config", "headDim", "lengths": [{"length", "inverse": base64 of float32}], "attention"}]
    config.json as transformers 5 saves it, under published sizes; the inverse frequencies of a sequence of that length,
    and what cosines and sines are multiplied by
"logits": [{"name", "configs": [...], "sequences": [{"ids", "logits": base64 of float32 [ids, vocabulary]}]}]
    the weights of test/fixtures/families/llama under other rotations; each config.json says the same in another release's words.
    A sequence goes through a model of its own, since dynamic scaling remembers the longest that it has seen
"""

import base64
import copy
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

FIXTURES = Path(__file__).parents[1] / "fixtures"
LLAMA = FIXTURES / "families" / "llama"

published = dict(
    vocab_size=32,
    hidden_size=1536,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=12,
    num_key_value_heads=2,
)
factors = [1.0 + 0.05 * i for i in range(64)]
longer = [1.0 + 0.5 * i for i in range(64)]
llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0)
# name: (theta, positions, scaling, lengths)
FREQUENCIES = {
    "plain": (300_000.0, 32_768, dict(rope_type="default"), [1]),
    "linear": (10_000.0, 16_384, dict(rope_type="linear", factor=4.0), [1, 9_000]),
    "dynamic": (10_000.0, 4_096, dict(rope_type="dynamic", factor=4.0), [1, 4_096, 4_097, 9_000, 16_384]),
    "dynamic, large": (1e6, 32_768, dict(rope_type="dynamic", factor=2.5), [30_000, 70_000]),
    "yarn": (1e6, 32_768, dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32_768), [1]),
    "yarn, untruncated": (
        10_000.0,
        131_072,
        dict(rope_type="yarn", factor=32.0, original_max_position_embeddings=4_096, truncate=False),
        [1],
    ),
    "yarn, betas": (
        500_000.0,
        65_536,
        dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=8_192, beta_fast=16.0, beta_slow=2.0),
        [1],
    ),
    "yarn, mscale": (
        10_000.0,
        163_840,
        dict(
            rope_type="yarn",
            factor=40.0,
            original_max_position_embeddings=4_096,
            mscale=0.707,
            mscale_all_dim=1.0,
            beta_fast=32.0,
            beta_slow=1.0,
        ),
        [1],
    ),
    "yarn, attention": (
        10_000.0,
        16_384,
        dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=4_096, attention_factor=1.25),
        [1],
    ),
    "yarn, tiny context": (
        10_000.0,
        64,
        dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=8),
        [1],
    ),
    "llama3": (500_000.0, 131_072, dict(llama3, original_max_position_embeddings=8_192), [1]),
    "longrope": (
        10_000.0,
        131_072,
        dict(
            rope_type="longrope",
            short_factor=factors,
            long_factor=longer,
            original_max_position_embeddings=4_096,
        ),
        [1, 4_096, 4_097],
    ),
    "longrope, factor": (
        10_000.0,
        32_768,
        dict(
            rope_type="longrope",
            short_factor=factors,
            long_factor=longer,
            factor=8.0,
            original_max_position_embeddings=4_096,
        ),
        [1],
    ),
    "longrope, attention": (
        10_000.0,
        32_768,
        dict(
            rope_type="longrope",
            short_factor=factors,
            long_factor=longer,
            attention_factor=1.5,
            original_max_position_embeddings=4_096,
        ),
        [1],
    ),
}

# name: (theta, positions, scaling, older names of the same)
LOGITS = {
    "theta": (300_000.0, 128, None, {}),
    "linear": (10_000.0, 128, dict(rope_type="linear", factor=4.0), dict(type="linear")),
    "dynamic": (10_000.0, 24, dict(rope_type="dynamic", factor=4.0), dict(type="dynamic")),
    "yarn": (
        10_000.0,
        32,
        dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=4.0),
        dict(type="yarn"),
    ),
    "yarn, mscale": (
        10_000.0,
        128,
        dict(
            rope_type="yarn",
            factor=8.0,
            original_max_position_embeddings=16,
            truncate=False,
            beta_fast=4.0,
            mscale=1.5,
            mscale_all_dim=0.5,
        ),
        dict(type="yarn"),
    ),
    "longrope": (
        10_000.0,
        96,
        dict(
            rope_type="longrope",
            short_factor=[1.0, 1.1, 1.2, 1.4, 1.6, 2.0],
            long_factor=[1.0, 1.5, 2.5, 4.0, 6.0, 8.0],
            original_max_position_embeddings=32,
        ),
        dict(type="longrope"),
    ),
}


def encode(tensor):
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


def config_json(config):
    return json.loads(config.to_json_string(use_diff=False))


def frequencies(name, theta, positions, scaling, lengths):
    config = LlamaConfig(
        **published, max_position_embeddings=positions, rope_parameters=dict(scaling, rope_theta=theta)
    )
    kind = scaling["rope_type"]
    rows, attentions = [], set()
    for length in lengths:
        if kind == "default":
            head = config.hidden_size // config.num_attention_heads
            inverse, attention = 1.0 / theta ** (torch.arange(0, head, 2).float() / head), 1.0
        else:
            inverse, attention = ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=length)
        rows.append({"length": length, "inverse": encode(inverse)})
        attentions.add(attention)
    (attention,) = attentions
    return {"name": name, "config": config_json(config), "headDim": 128, "lengths": rows, "attention": attention}


@torch.no_grad()
def logits(name, theta, positions, scaling, older):
    base = json.loads((LLAMA / "config.json").read_text())
    new = copy.deepcopy(base)
    new["max_position_embeddings"] = positions
    new["rope_parameters"] = dict(scaling or dict(rope_type="default"), rope_theta=theta)
    old = copy.deepcopy(base)
    del old["rope_parameters"]
    old.update(max_position_embeddings=positions, rope_theta=theta, rope_scaling=None, transformers_version="4.50.0")
    if scaling:
        old["rope_scaling"] = dict({k: v for k, v in scaling.items() if k != "rope_type"}, **older)
    rows = []
    generator = torch.Generator().manual_seed(5)
    plain = AutoModelForCausalLM.from_pretrained(LLAMA, dtype=torch.float32, attn_implementation="eager").eval()
    for length in (60, 20):
        ids = torch.randint(3, base["vocab_size"], (1, length), generator=generator)
        found = []
        for text in (new, old):
            config = LlamaConfig.from_dict(copy.deepcopy(text))
            model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
            model.load_state_dict(plain.state_dict())
            found.append(model(ids).logits[0])
        assert torch.equal(*found), f"{name}: the two configs differ"
        difference = (found[0] - plain(ids).logits[0])[-8:].abs().max().item()
        print(f"{name}, {length} tokens: differs from the unscaled model by {difference:.3f}")
        assert difference > 1e-3 or (name == "dynamic" and length <= positions)
        rows.append({"ids": ids[0].tolist(), "logits": encode(found[0])})
    return {"name": name, "configs": [new, old], "sequences": rows}


torch.set_num_threads(1)
value = {
    "frequencies": [frequencies(name, *case) for name, case in FREQUENCIES.items()],
    "logits": [logits(name, *case) for name, case in LOGITS.items()],
}
(FIXTURES / "rope.json").write_text(json.dumps(value) + "\n")
