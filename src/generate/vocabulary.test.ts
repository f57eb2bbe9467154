import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeTinyModel } from '../../test/support/tinyModel.js';
import { answerKeys, evaluateDefaults } from '../teacher/settings.js';
import { z } from 'zod';
import { localModel } from './localModel.js';
import { openGenerator } from './open.js';
import { requireOneVocabulary } from './vocabulary.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-vocabulary-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const model = writeTinyModel(join(root, 'model'));

interface Tokenizer {
  added_tokens: { content: string }[];
  model: { vocab: Record<string, number> | [string, number][] };
}

/** A copy of the model, of the same size, with another tokenizer. */
function changed(name: string, change: (tokenizer: Tokenizer) => void): string {
  const dir = join(root, name);
  cpSync(model, dir, { recursive: true });
  const path = join(dir, 'tokenizer.json');
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as Tokenizer;
  change(tokenizer);
  writeFileSync(path, JSON.stringify(tokenizer));
  return dir;
}
const swapped = changed('swapped', ({ model: { vocab } }) => {
  const ids = vocab as Record<string, number>;
  [ids['0'], ids['1']] = [ids['1']!, ids['0']!];
});
const message = /^the token \d+ is "[01]" in .*model and "[01]" in .*swapped: only models of one vocabulary/;

it('a helper whose tokens mean something else is refused, wherever it is opened, before anything is written', () => {
  expect(() => {
    requireOneVocabulary(model, swapped);
  }).toThrow(message);
  const settings = z
    .strictObject(answerKeys(evaluateDefaults))
    .parse({ data: 'none', model, sampling: { helper_model: swapped } });
  expect(() => localModel(settings)).toThrow(message);
  expect(() => openGenerator(model, { dtype: 'f32', device: 'cpu', helper: swapped })).toThrow(message);
});

it('a helper with the same tokens is taken, with marks of its own and further tokens', () => {
  const marks = changed('marks', ({ added_tokens: added, model: { vocab } }) => {
    const ids = vocab as Record<string, number>;
    added[1]!.content = '<|other|>';
    delete ids['<|system|>'];
    ids.further = 120;
  });
  const listed = changed('listed', (tokenizer) => {
    const entries = Object.entries(tokenizer.model.vocab as Record<string, number>);
    tokenizer.model.vocab = entries.sort(([, a], [, b]) => a - b).map(([token]) => [token, 0]);
  });
  for (const other of [model, marks, listed])
    expect(() => {
      requireOneVocabulary(model, other);
    }).not.toThrow();
  const other = changed('listed-swapped', (tokenizer) => {
    const entries = Object.entries(tokenizer.model.vocab as Record<string, number>);
    tokenizer.model.vocab = entries.sort(([, a], [, b]) => b - a).map(([token]) => [token, 0]);
  });
  expect(() => {
    requireOneVocabulary(model, other);
  }).toThrow('only models of one vocabulary');
});
