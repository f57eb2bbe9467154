/** Folders of results in the product's own formats, of any size: evaluations of the same problems, trainings, and a curation of what was collected. */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { Random } from '../../src/util/random.js';

export interface ResultsSize {
  evaluations: number;
  problems: number;
  samples: number;
  /** Characters of a response. */
  characters: number;
  runs: number;
  steps: number;
  /** Rows of a curation, and characters of each trace. */
  rows: number;
  traceCharacters: number;
}

/** 20 evaluations × 500 problems × 16 samples, and 10 runs × 20,000 steps. */
export const LARGE_RESULTS: ResultsSize = {
  ...{ evaluations: 20, problems: 500, samples: 16, characters: 800 },
  ...{ runs: 10, steps: 20_000, rows: 5_000, traceCharacters: 4_000 },
};

const WORDS =
  'let the sum of both sides be equal so that x follows from area times height and therefore 12 3.5 7 = + ( )'.split(
    ' ',
  );

/** Texts of a length, cut at random places out of one that is longer. */
function texts(seed: number, length: number): () => string {
  const random = new Random(seed);
  let pool = '';
  while (pool.length < 64 * length + 1_000) pool += `${WORDS[random.nextInt(WORDS.length)]!} `;
  return () => {
    const start = random.nextInt(pool.length - length);
    return pool.slice(start, start + length);
  };
}

/** Writes lines one after the other, as fast as the disk takes them. */
async function writeLines(path: string, rows: Iterable<object>): Promise<void> {
  const stream = createWriteStream(path);
  for (const row of rows) if (!stream.write(`${JSON.stringify(row)}\n`)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'finish');
}

const record = (dir: string, command: string, settings: object): void => {
  mkdirSync(dir, { recursive: true });
  const content = { made_by: 'redistill', command, version: '0.1.0', settings, inputs: {} };
  writeFileSync(join(dir, 'redistill.json'), JSON.stringify(content));
};

async function evaluation(
  dir: string,
  place: number,
  { problems, samples, characters }: ResultsSize,
): Promise<void> {
  record(dir, 'evaluate', {});
  const random = new Random(place + 1);
  const response = texts(place + 1, characters);
  const question = texts(0, 160);
  function* rows() {
    for (let i = 0; i < problems; i++)
      yield {
        ...{ original_index: i, id: `problem-${i}`, problem: `${question()} What is ${i} + ${i}?` },
        ...{ answer: String(2 * i), level: 1 + (i % 5) },
        generations: Array.from({ length: samples }, response),
        generation_details: Array.from({ length: samples }, () => {
          const correct = random.nextFloat() < 0.3 + place / 100;
          const grade = { correct, extracted: correct ? String(2 * i) : null };
          return {
            ...{ finish_reason: 'stop', prompt_tokens: 60, completion_tokens: 150 + random.nextInt(100) },
            grades: { verify: grade, rllm: grade },
          };
        }),
      };
  }
  await writeLines(join(dir, 'samples.jsonl'), rows());
  const data = { file: 'data/problems.jsonl', rows: problems, sha256: '0'.repeat(64) };
  const settings = { temperature: 0.6, top_p: 0.95, max_tokens: 512 };
  writeFileSync(
    join(dir, 'summary.json'),
    JSON.stringify({ evaluation: { version: '0.1.0', model: `models/${place}`, data, skip: 0, settings } }),
  );
}

async function training(dir: string, seed: number, { steps }: ResultsSize): Promise<void> {
  record(dir, 'train', {
    objective: { name: 'redi' },
    seed,
    model: 'models/0',
    data: 'pairs/pref.jsonl',
    batch_size: 8,
  });
  const random = new Random(seed + 100);
  function* lines(of: (step: number) => object) {
    for (let step = 1; step <= steps; step++) yield { step, ...of(step) };
  }
  const noise = () => random.nextFloat() / 10;
  await writeLines(
    join(dir, 'metrics.jsonl'),
    lines((step) => ({
      ...{ epoch: (3 * step) / steps, loss: 1 / Math.sqrt(step) + noise(), grad_norm: 1 + noise() },
      ...{
        learning_rate: 1e-5 * (1 - step / steps),
        num_tokens: 4_000 * step,
        clipped_share: noise(),
        skipped_steps: 0,
      },
      ...{
        'logps/chosen_per_token': -0.6 - noise(),
        'logps/rejected_per_token': -0.9 - step / steps - noise(),
      },
      ...{ 'rewards/margins': step / steps + noise(), 'rewards/accuracies': 0.5 + noise() },
    })),
  );
  await writeLines(
    join(dir, 'speed.jsonl'),
    lines(() => ({ tokens_per_second: 900 + 100 * noise(), peak_memory_bytes: 2.1e9 })),
  );
}

async function curation(root: string, { rows, traceCharacters }: ResultsSize): Promise<void> {
  const [collected, dir] = [join(root, 'collect'), join(root, 'pairs')];
  record(collected, 'collect', { model: 'models/teacher' });
  record(dir, 'curate', { data: join(collected, 'traces.jsonl'), rule: 'redi' });
  const question = texts(7, 160);
  const trace = texts(8, traceCharacters);
  const made = function* (of: (i: number, problem: string, all: string[]) => object) {
    for (let i = 0; i < rows; i++)
      yield of(i, `${question()} What is ${i} + ${i}?`, [trace(), trace(), trace(), trace()]);
  };
  await writeLines(
    join(collected, 'traces.jsonl'),
    made((i, problem, generations) => ({
      ...{ original_index: i, problem, answer: String(2 * i), generations },
      correctness: {
        llama_verification: [null, null, null, null],
        math_verify_answer: [true, false, true, false],
        math_verify_reparsed_answer: [true, false, true, false],
      },
      generation_details: generations.map(() => ({ finish_reason: 'stop' })),
    })),
  );
  const answer = (content: string) => [{ role: 'assistant', content }];
  await writeLines(
    join(dir, 'pref.jsonl'),
    made((i, problem, [right, wrong]) => ({
      ...{ prompt: [{ role: 'user', content: problem }], chosen: answer(right!), rejected: answer(wrong!) },
      ...{ source: null, uuid: String(i), original_index: i, chosen_gen_idx: 0, rejected_gen_idx: 1 },
    })),
  );
  writeFileSync(join(dir, 'sft.jsonl'), '');
  writeFileSync(join(dir, 'dropped.jsonl'), '');
  writeFileSync(
    join(dir, 'summary.json'),
    JSON.stringify({ rows, sft: rows, pref: rows, dropped_rows: 0, dropped: {} }),
  );
}

/** Writes everything under a folder. */
export async function writeLargeResults(root: string, size: ResultsSize): Promise<void> {
  for (let i = 0; i < size.evaluations; i++) await evaluation(join(root, `evaluation-${i}`), i, size);
  for (let i = 0; i < size.runs; i++) await training(join(root, `run-${i}`), i, size);
  if (size.rows > 0) await curation(root, size);
}
