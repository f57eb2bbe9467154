"""REDI's rules over a Parquet file of trace rows as a plain script would: read everything, then write.

    python curate.py FILE OUT PEAK

No length filter, no search for duplicates. PEAK is where the process's status (with its high-water mark) goes.
"""

import json
import random
import sys
import uuid
from pathlib import Path

import pyarrow.parquet as pq

source_file, out, peak = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
out.mkdir(parents=True, exist_ok=True)
rows = pq.read_table(source_file).to_pylist()
for index, row in enumerate(rows):
    row["original_index"] = index
random.Random(42).shuffle(rows)

counts = {"sft": 0, "pref": 0}
with open(out / "sft.jsonl", "w") as sft, open(out / "pref.jsonl", "w") as pref, open(out / "dropped.jsonl", "w") as dropped:

    def drop(row, reason):
        dropped.write(json.dumps({"original_index": row["original_index"], "reason": reason}) + "\n")

    for row in rows:
        valid, generations = row["problem_is_valid"], row["generations"]
        correctness = row["correctness"] or {}
        llama = correctness.get("llama_verification")
        mv = correctness.get("math_verify_reparsed_answer")
        if not isinstance(valid, str) or valid.strip().lower() != "yes":
            drop(row, "invalid_problem")
        elif row["source"] == "cn_k12":
            drop(row, "cn_k12")
        elif not row["problem"]:
            drop(row, "empty_problem")
        elif not generations:
            drop(row, "no_generations")
        elif not llama or not mv or len(llama) != len(generations) or len(mv) != len(generations):
            drop(row, "verdicts_missing")
        else:
            verdicts = [bool(a) and bool(b) for a, b in zip(llama, mv)]
            if True not in verdicts:
                drop(row, "no_correct_trace")
                continue
            right = verdicts.index(True)
            user = {"role": "user", "content": row["problem"]}
            shared = {"source": row["source"], "uuid": str(uuid.uuid4()), "original_index": row["original_index"]}

            def answer(i):
                return {"role": "assistant", "content": generations[i]}

            sft.write(json.dumps({"messages": [user, answer(right)], "chosen_gen_idx": right, **shared}) + "\n")
            counts["sft"] += 1
            if False in verdicts:
                wrong = verdicts.index(False)
                pair = {"prompt": [user], "chosen": [answer(right)], "rejected": [answer(wrong)], **shared}
                pref.write(json.dumps({**pair, "chosen_gen_idx": right, "rejected_gen_idx": wrong}) + "\n")
                counts["pref"] += 1

(out / "summary.json").write_text(json.dumps(counts) + "\n")
peak.write_text(Path("/proc/self/status").read_text())
