"""Writes test/fixtures/gguf/*.gguf, tiny random models of each architecture, and expected.json: the SHA-256 of the
weights and the token ids that transformers makes of them
(pip install torch==2.11.0 transformers==5.23.0 gguf==0.19.0).
"""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType as Q
from gguf import GGUFWriter
from gguf.quants import quantize
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

OUT = Path(__file__).parent.parent / "fixtures" / "gguf"
HIDDEN, FFN, HEADS, KV_HEADS, HEAD_DIM, BLOCKS = 32, 64, 4, 2, 8, 2
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
TEXTS = [
    "",
    "Hello world",
    " the then  there\n\n the",
    "x = 12345 +  67\t8",
    "a<|im_start|>user\nthe<|im_end|>\n<think>the</think>",
    "<start_of_turn>user\nthe  the<end_of_turn> </s><s>",
    "naïve café 日本語 😀 \ufeff//",
    "it's We'LL they've",
    "    indented\n        more\n",
]


def byte_level():
    alphabet = list(bytes_to_unicode().values())
    merges = ["Ġ t", "h e", "Ġt he", "Ġ Ġ", "i n", "Ċ Ċ", "1 2", "' s", "l l"]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", *alphabet]
    types = [CONTROL, CONTROL, CONTROL, USER_DEFINED] + [NORMAL] * len(alphabet)
    tokens += [merge.replace(" ", "") for merge in merges]
    types += [NORMAL] * len(merges)
    return tokens, types, merges


def sentence_piece(gemma):
    if gemma:
        tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
        types = [CONTROL, CONTROL, CONTROL, UNKNOWN, CONTROL, CONTROL, CONTROL]
    else:
        tokens = ["<unk>", "<s>", "</s>"]
        types = [UNKNOWN, CONTROL, CONTROL]
    specials = len(tokens)
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    types += [BYTE] * 256
    pieces = ["th", "he", "▁the", "▁t", "▁th", "the", "er", "ere", "//", "\ufeff//", "12", "1234", "34"]
    pieces += ["  ", "   "] if gemma else ["▁▁", "▁▁▁"]
    pieces += [*"▁abcdehilnorstuvwxy12345678=/", "\ufeff"]
    tokens += pieces
    types += [NORMAL] * len(pieces)
    scores = [0.0] * (specials + 256) + [-float(rank) for rank in range(len(pieces))]
    return tokens, types, scores


def write(name, arch, vocabulary, pre=None, tied=True, rope_factors=None, head_dim=HEAD_DIM):
    path = OUT / f"{name}.gguf"
    writer = GGUFWriter(path, arch)
    writer.add_name(f"tiny {name}")
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(500000.0)
    if arch in ("qwen3", "gemma3"):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    else:
        writer.add_rope_dimension_count(head_dim)
    if arch == "gemma3":
        writer.add_sliding_window(8)

    if vocabulary == "gpt2":
        tokens, types, merges = byte_level()
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_merges(merges)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_pad_token_id(0)
        writer.add_add_bos_token(False)
    else:
        tokens, types, scores = sentence_piece(arch == "gemma3")
        writer.add_tokenizer_model("llama")
        writer.add_token_scores(scores)
        bos, eos, unk = (2, 1, 3) if arch == "gemma3" else (1, 2, 0)
        writer.add_bos_token_id(bos)
        writer.add_eos_token_id(eos)
        writer.add_unk_token_id(unk)
        writer.add_add_bos_token(True)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_chat_template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")

    rng = np.random.default_rng(len(name))

    def tensor(label, *shape, kind=Q.F32):
        data = rng.normal(0, 0.1, shape).astype(np.float32)
        writer.add_tensor(label, quantize(data, kind), raw_dtype=kind)

    tensor("token_embd.weight", len(tokens), HIDDEN, kind=Q.Q8_0)
    tensor("output_norm.weight", HIDDEN)
    if not tied:
        tensor("output.weight", len(tokens), HIDDEN, kind=Q.F16)
    if rope_factors is not None:
        writer.add_tensor("rope_freqs.weight", rope_factors)
    for block in range(BLOCKS):
        prefix = f"blk.{block}"
        norms = ["attn_norm", "ffn_norm"]
        norms += ["post_attention_norm", "post_ffw_norm"] if arch == "gemma3" else []
        for norm in norms:
            tensor(f"{prefix}.{norm}.weight", HIDDEN)
        if arch in ("qwen3", "gemma3"):
            tensor(f"{prefix}.attn_q_norm.weight", head_dim)
            tensor(f"{prefix}.attn_k_norm.weight", head_dim)
        tensor(f"{prefix}.attn_q.weight", HEADS * head_dim, HIDDEN, kind=Q.Q4_1)
        tensor(f"{prefix}.attn_k.weight", KV_HEADS * head_dim, HIDDEN, kind=Q.Q4_0)
        tensor(f"{prefix}.attn_v.weight", KV_HEADS * head_dim, HIDDEN, kind=Q.Q5_1)
        if arch == "qwen2":
            tensor(f"{prefix}.attn_q.bias", HEADS * head_dim)
            tensor(f"{prefix}.attn_k.bias", KV_HEADS * head_dim)
            tensor(f"{prefix}.attn_v.bias", KV_HEADS * head_dim)
        tensor(f"{prefix}.attn_output.weight", HIDDEN, HEADS * head_dim, kind=Q.Q5_0)
        tensor(f"{prefix}.ffn_gate.weight", FFN, HIDDEN, kind=Q.BF16)
        tensor(f"{prefix}.ffn_up.weight", FFN, HIDDEN, kind=Q.Q8_0)
        tensor(f"{prefix}.ffn_down.weight", HIDDEN, FFN, kind=Q.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def expectation(path):
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        digest = hashlib.sha256(Path(folder, "model.safetensors").read_bytes()).hexdigest()
    return {
        "sha256": digest,
        "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS],
        "with_special": tokenizer(TEXTS[1])["input_ids"],
        "decoded": [tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in TEXTS],
    }


def llama3_factors(factor, theta):
    wavelength = 2 * np.pi * theta ** (np.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    smooth = np.clip((8192 / wavelength - 1) / 3, 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


OUT.mkdir(parents=True, exist_ok=True)
paths = [
    write("llama-smollm", "llama", "gpt2", pre="smollm"),
    write("llama-sentencepiece", "llama", "llama", tied=False),
    write("llama3", "llama", "gpt2", pre="llama-bpe", rope_factors=llama3_factors(8.0, 500000.0)),
    write("mistral", "llama", "gpt2", pre="tekken", tied=False),
    write("qwen2", "qwen2", "gpt2", pre="qwen2"),
    # transformers takes 128 for granted here.
    write("qwen3", "qwen3", "gpt2", pre="qwen2", tied=False, head_dim=128),
    write("gemma3", "gemma3", "llama"),
]
expected = {path.stem: expectation(path) for path in paths}
(OUT / "expected.json").write_text(
    json.dumps({"texts": TEXTS, "models": expected}, indent=1, ensure_ascii=False) + "\n"
)
