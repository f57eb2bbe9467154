"""Loads model directories with transformers and compares their logits with given ones:

    python roundtrip.py DIR EXPECTED [DIR EXPECTED ...]

EXPECTED is a JSON file {"vocabSize", "sequences": [{"ids", "logits"}]}, logits being base64 of little-endian float32
[ids, vocabSize] (the layout of test/fixtures/families/*/expected.json). Prints one JSON object a line for each DIR:
{"maxAbsDiff", "tokens", "missing", "unexpected", "transformers"}; missing and unexpected are the names of parameters
that the directory lacks or has beyond the model's. The weights are read in float32, attention is eager. Run by
src/models/roundtrip.oracle.test.ts.
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


def compare(directory, expected_path):
    expected = json.loads(Path(expected_path).read_text())
    model, loading = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
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
