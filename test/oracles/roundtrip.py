"""Loads model directories with transformers and compares their logits with given ones:

    python roundtrip.py DIR EXPECTED [DIR EXPECTED ...]

EXPECTED is a JSON file {"vocabSize", "sequences": [{"ids", "logits"}]}, logits being base64 of little-endian float32
[ids, vocabSize] (the layout of test/fixtures/families/*/expected.json). Prints one JSON object a line for each DIR:
{"maxAbsDiff", "tokens", "missing", "unexpected", "transformers"}; missing and unexpected are the names of parameters
that the directory lacks or has beyond the model's. The weights are read in float32, attention is eager. A DIR with
adapter_config.json is read by PEFT, over the base that it names. Run by src/models/roundtrip.oracle.test.ts.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.utils.logging.disable_progress_bar()


def load(directory):
    settings = dict(dtype=torch.float32, attn_implementation="eager")
    if not (Path(directory) / "adapter_config.json").exists():
        return AutoModelForCausalLM.from_pretrained(directory, **settings, output_loading_info=True)
    from peft import PeftConfig, PeftModel

    config = PeftConfig.from_pretrained(directory)
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, **settings)
    model = PeftModel(base, config)
    found = model.load_adapter(directory, "default")
    missing = [name for name in found.missing_keys if "lora_" in name]
    return model, {"missing_keys": missing, "unexpected_keys": found.unexpected_keys}


def compare(directory, expected_path):
    expected = json.loads(Path(expected_path).read_text())
    model, loading = load(directory)
    model.eval()
    largest, tokens = 0.0, 0
    with torch.no_grad():
        for sequence in expected["sequences"]:
            ids = sequence["ids"]
            theirs = np.frombuffer(base64.b64decode(sequence["logits"]), "<f4").reshape(len(ids), expected["vocabSize"])
            ours = model(torch.tensor([ids])).logits[0]
            gap = (ours - torch.from_numpy(theirs.copy())).abs().max().item()
            largest = gap if gap > largest or gap != gap else largest
            tokens += len(ids)
    return {
        "maxAbsDiff": largest,
        "tokens": tokens,
        "missing": sorted(loading["missing_keys"]),
        "unexpected": sorted(loading["unexpected_keys"]),
        "transformers": transformers.__version__,
    }


arguments = sys.argv[1:]
for pair in zip(arguments[::2], arguments[1::2], strict=True):
    print(json.dumps(compare(*pair)))
