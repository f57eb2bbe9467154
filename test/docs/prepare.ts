/** @file The folder in which the documents' commands are run: tiny models, rows of every kind, and what earlier commands would have left. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { expectDone } from '../support/tinyCommands.js';
import { redistill, turns, writeRows, writeTinyModel } from '../support/tinyModel.js';
import { root } from './pages.js';

const sums = Array.from({ length: 40 }, (_, i) => [i + 1, 2 * i + 3] as const);

export async function prepare(folder: string): Promise<void> {
  mkdirSync(folder);
  const path = (...names: string[]) => join(folder, ...names);
  for (const name of ['examples', 'prompts', 'recipes', 'tasks']) symlinkSync(join(root, name), path(name));
  for (const name of ['student', 'teacher', 'right', 'wrong', 'student-redi'])
    writeTinyModel(path(name), { max_position_embeddings: 2048 });
  writeRows(
    path('problems.jsonl'),
    sums.map(([a, b]) => ({ problem: `What is ${a} + ${b}?`, answer: String(a + b) })),
  );
  const pairs = sums.map(([a, b]) => ({
    prompt: [{ role: 'user', content: `What is ${a} + ${b}?` }],
    chosen: [{ role: 'assistant', content: `It is ${a + b}.` }],
    rejected: [{ role: 'assistant', content: `It must be ${a + b + 1}.` }],
  }));
  writeRows(path('pairs.jsonl'), pairs);
  const traces = sums.map(([a, b]) => ({
    ...{ problem: `What is ${a} + ${b}?`, answer: String(a + b) },
    generations: [`It is \\boxed{${a + b}}.`, `It must be \\boxed{${a + b + 1}}.`],
    correct: [true, false],
  }));
  writeRows(path('traces.jsonl'), traces);
  writeRows(
    path('samples.jsonl'),
    sums.map(([a, b]) => ({ messages: turns(`What is ${a} + ${b}?`, `It is ${a + b}.`) })),
  );
  const recipe = {
    ...{ model: './student', data: 'pairs.jsonl', out: 'runs/redi-1', dtype: 'f32', batch_size: 4 },
    ...{ objective: { name: 'redi', alpha: 0.8 }, optimizer: { lr: 1e-5 } },
    save: { every: 4, states: 2 },
  };
  writeFileSync(path('recipe.yaml'), toYaml(recipe));
  const own = { name: 'own', stage: 'curate', data: 'traces.jsonl', verdicts: 'mv', length_filter: false };
  writeFileSync(path('pipeline.yaml'), toYaml({ out: 'runs/pipeline', stages: [own] }));
  const curate = ['curate', 'traces.jsonl', '--verdicts', 'mv', '--no-length-filter', '--out', 'curated'];
  const evaluate = ['evaluate', 'problems.jsonl', '--count', '4', '--max-tokens', '8', '--dtype', 'f32'];
  for (const args of [
    curate,
    ['train', 'recipe.yaml'],
    [...evaluate, '--model', './student', '--out', 'runs/before'],
    [...evaluate, '--model', 'runs/redi-1/model', '--out', 'runs/after'],
  ])
    expectDone(await redistill(args, { cwd: folder }));
  // As the quickstart leaves them.
  cpSync(path('runs/redi-1'), path('runs/quickstart/redi'), { recursive: true });
  cpSync(path('student'), path('runs/quickstart/student/model'), { recursive: true });
}
