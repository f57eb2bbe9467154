"""Writes test/fixtures/families/<name>/: tiny random models of every family as transformers saves them, and what
transformers computes with them (pip install torch==2.11.0 transformers==5.23.0).

config.json, model.safetensors   the model; names with "old-keys" have the config keys of transformers 4
expected.json         {"transformers", "vocabSize", "sequences": [{"ids", "logits", "logps"}]}
                      logits: base64 of little-endian float32 [ids, vocabSize], eager attention in float32;
                      logps[t]: log-probability of ids[t + 1]
expected_grads.json   float64: {"ids", "from", "loss", "gradients": {parameter: {"shape", "norm", "sum", "entries"}}}
                      loss = -mean of log p(ids[t]) for t >= "from"; entries: [flat index, value]; tied weights once

Norm weights and biases are far from their initial values, and every property that sets a family apart is checked to
change the logits, so that an engine that leaves it out cannot pass.
"""

import base64
import contextlib
import json
import shutil
import zlib
from pathlib import Path

import torch
import transformers
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

OUT = Path(__file__).parents[1] / "fixtures" / "families"
GRADIENTS_FROM = 4

small = dict(
    vocab_size=128,
    hidden_size=48,
    intermediate_size=80,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    tie_word_embeddings=False,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
llama3_rope = dict(
    rope_type="llama3",
    rope_theta=500.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
gemma = dict(
    small,
    num_hidden_layers=3,
    head_dim=16,
    hidden_size=40,
    intermediate_size=64,
    query_pre_attn_scalar=24,
    sliding_window=8,
    tie_word_embeddings=True,
)
gemma_ropes = dict(
    full_attention=dict(rope_type="default", rope_theta=10_000.0),
    sliding_attention=dict(rope_type="default", rope_theta=100.0),
)
linear_ropes = dict(gemma_ropes, full_attention=dict(rope_type="linear", rope_theta=10_000.0, factor=8.0))


def plain(theta):
    return dict(rope_type="default", rope_theta=theta)


# name: (config, length of the long sequence, changes to the config that must change the logits)
FAMILIES = {
    "llama": (LlamaConfig(**small, rope_parameters=plain(10_000.0)), 48, [dict(rope_parameters=plain(20_000.0))]),
    "llama-tied-old-keys": (
        LlamaConfig(**dict(small, head_dim=16, tie_word_embeddings=True), rope_parameters=plain(50_000.0)),
        48,
        [dict(rope_parameters=plain(10_000.0))],
    ),
    "llama3": (
        LlamaConfig(**small, rope_parameters=llama3_rope),
        96,
        [dict(rope_parameters=plain(500.0)), dict(rope_parameters=dict(llama3_rope, high_freq_factor=2.0))],
    ),
    "llama3-old-keys": (
        LlamaConfig(**small, rope_parameters=llama3_rope),
        96,
        [dict(rope_parameters=plain(500.0)), dict(rope_parameters=dict(llama3_rope, high_freq_factor=2.0))],
    ),
    "llama-sharded-bf16": (LlamaConfig(**small, rope_parameters=plain(10_000.0)), 48, []),
    "mistral": (
        MistralConfig(**small, sliding_window=None, rope_parameters=plain(10_000.0)),
        48,
        [dict(sliding_window=24)],
    ),
    "mistral-window": (
        MistralConfig(**small, sliding_window=8, rope_parameters=plain(10_000.0)),
        64,
        [dict(sliding_window=None), dict(sliding_window=7), dict(sliding_window=9)],
    ),
    "qwen2": (
        Qwen2Config(**dict(small, tie_word_embeddings=True), rope_parameters=plain(1_000_000.0)),
        48,
        [dict(rope_parameters=plain(10_000.0))],
    ),
    "qwen2-window": (
        Qwen2Config(
            **small,
            use_sliding_window=True,
            sliding_window=8,
            max_window_layers=1,
            rope_parameters=plain(10_000.0),
        ),
        64,
        [dict(layer_types=["full_attention"] * 2), dict(layer_types=["sliding_attention"] * 2)],
    ),
    "qwen3": (
        Qwen3Config(**dict(small, head_dim=16), rope_parameters=plain(1_000_000.0)),
        48,
        [dict(rope_parameters=plain(10_000.0))],
    ),
    "gemma3": (
        Gemma3TextConfig(
            **gemma,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=gemma_ropes,
        ),
        64,
        [
            dict(sliding_window=7),
            dict(sliding_window=64),
            dict(query_pre_attn_scalar=16),
            dict(hidden_activation="gelu"),
            dict(rope_parameters=dict(gemma_ropes, sliding_attention=gemma_ropes["full_attention"])),
            dict(rope_parameters=dict(gemma_ropes, full_attention=gemma_ropes["sliding_attention"])),
        ],
    ),
    "gemma3-linear": (
        Gemma3TextConfig(**gemma, sliding_window_pattern=2, rope_parameters=linear_ropes),
        96,
        [dict(rope_parameters=gemma_ropes), dict(sliding_window=64)],
    ),
    "gemma3-linear-old-keys": (
        Gemma3TextConfig(**gemma, sliding_window_pattern=2, rope_parameters=linear_ropes),
        96,
        [dict(rope_parameters=gemma_ropes), dict(sliding_window=64)],
    ),
}

# What the configs of transformers 4 say in place of rope_parameters and layer_types.
OLD_KEYS = {
    "llama-tied-old-keys": dict(rope_theta=50_000.0, rope_scaling=None),
    "llama3-old-keys": dict(
        rope_theta=500.0, rope_scaling={k: v for k, v in llama3_rope.items() if k != "rope_theta"}
    ),
    "gemma3-linear-old-keys": dict(
        rope_theta=10_000.0,
        rope_local_base_freq=100.0,
        rope_scaling=dict(rope_type="linear", factor=8.0),
        sliding_window_pattern=2,
    ),
}


def build(config):
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()


@torch.no_grad()
def randomize(model, generator):
    """Weights with which attention is not uniform, norms are not the identity and logits spread over several nats."""
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if "norm" in name:
            centre = 0.0 if model.config.model_type.startswith("gemma3") else 1.0
            weight.copy_(centre + 0.4 * noise)
        elif name.endswith("bias"):
            weight.copy_(0.5 * noise)
        elif "embed_tokens" in name:
            # Tied weights are the head as well, where rows of norm one keep the logits within some nats.
            weight.copy_(noise * (0.3 if model.config.tie_word_embeddings else 1.0))
        else:
            gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
            weight.copy_(gain * noise / weight.shape[1] ** 0.5)


def differences(model, changes, ids):
    with torch.no_grad():
        base = model(ids).logits
        for change in changes:
            config = type(model.config)(**{**model.config.to_dict(), **change})
            other = build(config)
            other.load_state_dict(model.state_dict())
            yield change, (other(ids).logits - base)[0, -8:].abs().max().item()


def encode(tensor):
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


@torch.no_grad()
def expected(model, sequences):
    rows = []
    for ids in sequences:
        logits = model(torch.tensor([ids])).logits[0]
        logps = torch.log_softmax(logits.double(), -1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
        rows.append({"ids": ids, "logits": encode(logits), "logps": [float(f"{x:.9g}") for x in logps]})
    return {
        "transformers": transformers.__version__,
        "vocabSize": model.config.vocab_size,
        "sequences": rows,
    }


@contextlib.contextmanager
def float64_inside():
    """transformers computes norms and softmax in float32 whatever the model's type; here they follow it to float64.
    Rotary tables stay float32, as every engine makes them."""
    float32, to_float = torch.float32, torch.Tensor.float
    torch.float32, torch.Tensor.float = torch.float64, torch.Tensor.double
    try:
        yield
    finally:
        torch.float32, torch.Tensor.float = float32, to_float


def gradients(model, ids):
    model = model.double()
    rotary = model.model.rotary_emb
    rotate, float32, to_float = rotary.forward, torch.float32, torch.Tensor.float

    def rotate_in_float32(*args, **kwargs):
        wide, wide_to = torch.float32, torch.Tensor.float
        torch.float32, torch.Tensor.float = float32, to_float
        try:
            return rotate(*args, **kwargs)
        finally:
            torch.float32, torch.Tensor.float = wide, wide_to

    rotary.forward = rotate_in_float32
    with float64_inside():
        logits = model(torch.tensor([ids])).logits[0]
        assert logits.dtype == torch.float64
        logps = torch.log_softmax(logits, -1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
        loss = -logps[GRADIENTS_FROM - 1 :].mean()
        loss.backward()
    out = {}
    for name, weight in model.named_parameters():
        grad = weight.grad.flatten()
        # Spread over the tensor with a stride prime to its sizes, so that rows and columns all get a turn.
        indices = sorted({(i * 7919) % grad.numel() for i in range(12)})
        out[name] = {
            "shape": list(weight.shape),
            "norm": grad.norm().item(),
            "sum": grad.sum().item(),
            "entries": [[i, grad[i].item()] for i in indices],
        }
    return {"ids": ids, "from": GRADIENTS_FROM, "loss": loss.item(), "gradients": out}, logps


def write_json(path, value):
    path.write_text(json.dumps(value) + "\n")


torch.set_num_threads(1)
transformers.utils.logging.disable_progress_bar()
for name, (config, length, changes) in FAMILIES.items():
    # The same seed, hence the same model, under old and new keys.
    generator = torch.Generator().manual_seed(zlib.crc32(name.removesuffix("-old-keys").encode()))
    model = build(config)
    randomize(model, generator)
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if name == "llama-sharded-bf16":
        model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="40KB")
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    else:
        model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name in OLD_KEYS:
        text = json.loads((folder / "config.json").read_text())
        for key in ["rope_parameters", "layer_types", "_sliding_window_pattern", "transformers_version"]:
            text.pop(key, None)
        write_json(
            folder / "config.json",
            {**text, **OLD_KEYS[name], "transformers_version": "4.50.0"},
        )

    sequences = [torch.randint(3, config.vocab_size, (n,), generator=generator).tolist() for n in (length, 17)]
    ids = torch.tensor(sequences[:1])
    for change, difference in differences(model, changes, ids):
        assert difference > 1e-3, f"{name}: {change} changes the logits by {difference} only"
        print(f"{name}: {change} changes the logits by {difference:.3f}")
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    value = expected(loaded, sequences)
    with torch.no_grad():
        assert torch.equal(loaded(ids).logits, model(ids).logits), f"{name}: saving changed the model"
    write_json(folder / "expected.json", value)
    if name in ("llama", "qwen3", "gemma3"):
        grads, logps = gradients(loaded, sequences[0])
        rounding = (logps.detach() - torch.tensor(value["sequences"][0]["logps"])).abs().max().item()
        print(f"{name}: float32 log-probabilities are within {rounding:.1e} of float64")
        assert rounding < 2e-5
        write_json(folder / "expected_grads.json", grads)
    size = sum(file.stat().st_size for file in folder.iterdir())
    spread = torch.tensor(value["sequences"][0]["logps"])
    print(f"{name}: {size / 1000:.0f} kB, log-probabilities {spread.min():.1f} to {spread.max():.1f}")
