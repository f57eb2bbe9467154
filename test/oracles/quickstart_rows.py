"""Writes test/fixtures/curate/quickstart.json: the rows that the first quickstart trained on.

    git worktree add ../old 04e2cc5 && ln -s "$PWD/node_modules" ../old && (cd ../old && npm run build)
    python3 test/oracles/quickstart_rows.py ../old

At commit 04e2cc5 the stage `traces` (src/pipeline/stages/traces.ts), which has gone since, made D_SFT and D_Pref of the
GSM8K solutions. The script runs it with the quickstart's settings and some others, and writes of each row
`original_index`, `chosen_gen_idx` and `rejected_gen_idx`, and the first 16 digits of the SHA-256 of its texts (prompt,
chosen, rejected), joined by NUL. `golds` are the answers that it read. Needs Python alone.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

SOLUTIONS = "examples/gsm8k-solutions/example_model_solutions.jsonl"
RUNS = {
    "first": {},
    "first-shortest": {"shortest_pairs": 160},
    "all": {"pairs": "all"},
    "all-shortest": {"pairs": "all", "shortest_pairs": 160},
}
GOLDS = """
const { readLabelledTraces } = await import(process.argv[1]);
process.stdout.write(JSON.stringify(readLabelledTraces(process.argv[2]).map(({ answer }) => answer)));
"""


def digest(*messages):
    texts = [content["content"] for message in messages for content in message]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main():
    old = pathlib.Path(sys.argv[1]).resolve()
    cli = ["node", str(old / "bin/redistill.js")]
    with tempfile.TemporaryDirectory() as work:
        settings = {
            "stage": "traces",
            "data": str(old / SOLUTIONS),
            "model": "@student",
            "max_tokens": 200,
            "normalize_answers": True,
        }
        stages = [{"name": "student", "stage": "get", "model": "smollm2-135m"}]
        stages += [{"name": name, **settings, **more} for name, more in RUNS.items()]
        recipe = pathlib.Path(work) / "recipe.yaml"
        recipe.write_text(json.dumps({"out": f"{work}/out", "stages": stages}), encoding="utf-8")
        subprocess.run([*cli, "run", str(recipe)], check=True, stdout=sys.stderr)
        out = pathlib.Path(work) / "out"
        sft = [
            [row["original_index"], row["chosen_gen_idx"], digest(row["messages"])]
            for row in rows(out / "first" / "sft.jsonl")
        ]
        pairs = {
            name: [
                [
                    row["original_index"],
                    row["chosen_gen_idx"],
                    row["rejected_gen_idx"],
                    digest(row["prompt"], row["chosen"], row["rejected"]),
                ]
                for row in rows(out / name / "pref.jsonl")
            ]
            for name in RUNS
        }
    script = ["node", "--input-type=module", "-e", GOLDS, str(old / "dist/data/labelledTraces.js")]
    golds = json.loads(subprocess.run([*script, str(old / SOLUTIONS)], check=True, capture_output=True).stdout)
    target = pathlib.Path(__file__).parent.parent / "fixtures/curate/quickstart.json"
    target.parent.mkdir(exist_ok=True)
    fixture = {"golds": golds, "sft": sft, "pairs": pairs}
    target.write_text(json.dumps(fixture, separators=(",", ":")) + "\n", encoding="utf-8")


main()
