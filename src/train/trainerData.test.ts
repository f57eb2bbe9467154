import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import {
  root,
  model,
  messages,
  pairs,
  tokensOf,
  pairTokens,
  setUpRuns,
  recipeOf,
  stopped,
  attempt,
  trained,
  embedding,
} from '../../test/support/trainingRuns.js';
import { UserError } from '../util/errors.js';
import { train, type TrainEvent } from './trainer.js';
import { silentProgress } from '../util/progress.js';
import { scoreFile } from './score.js';
import type { TrainRecipe } from './settings.js';

setUpRuns();

/** Rows that no run before has tokenised. */
function rowsOf(length: number): object[] {
  const unseen = randomUUID();
  return Array.from({ length }, (_, i) => ({ messages: turns(`${unseen}: ${i}+1?`, `${i + 1}`) }));
}

describe('reading data', () => {
  it('lets others have their turn between batches of rows, so that a run can be stopped there', async () => {
    const data = join(root, 'many.jsonl');
    writeRows(data, rowsOf(600));
    let isAsked = false;
    const recipe = recipeOf('sft', { data });
    const onEvent = (event: TrainEvent) => {
      // Heard only where the event loop turns.
      if (event.kind === 'tokenized') setImmediate(() => (isAsked = true));
    };
    const throwIfAborted = () => {
      if (isAsked) throw new Error('stopped');
    };
    const rows: number[] = [];
    await expect(
      train(recipe, {
        onEvent: (event) => {
          onEvent(event);
          if (event.kind === 'tokenized') rows.push(event.done);
        },
        signal: { throwIfAborted },
      }),
    ).rejects.toThrow('stopped');
    expect(rows).toEqual([256]);
  });
});

describe('steps', () => {
  it('have the rates of the schedule', async () => {
    const rates = async (schedule: object) => {
      const run = await trained(recipeOf('sft', { max_steps: 10, schedule, optimizer: { lr: 8e-4 } }));
      return run.steps.map((step) => step.learning_rate * 1e4);
    };
    const close = (expected: number[]) => expected.map((x) => expect.closeTo(x, 10) as number);
    expect(await rates({ warmup_ratio: 0.2 })).toEqual(close([0, 4, 8, 7, 6, 5, 4, 3, 2, 1]));
    expect(await rates({ warmup_ratio: 0.15, decay: 'constant' })).toEqual(
      close([0, 4, 8, 8, 8, 8, 8, 8, 8, 8]),
    );
    // Half a cosine over 8 steps from the third on: 45° a quarter of the way, 90° in its middle.
    const cosine = await rates({ warmup_ratio: 0.2, decay: 'cosine' });
    expect([0, 1, 2, 4, 6, 8].map((step) => cosine[step])).toEqual(
      close([0, 4, 8, 4 + 2 * Math.SQRT2, 4, 4 - 2 * Math.SQRT2]),
    );
  });

  it('change nothing where the rate is 0, of which the start tells', async () => {
    const keys = { max_steps: 2, schedule: { warmup_ratio: 1 }, save: { every: 1 } };
    const { events, recipe, result } = await trained(recipeOf('sft', keys));
    expect(events.find((event) => event.kind === 'start')).toMatchObject({ steps: 2, idle: 1 });
    expect(embedding(join(recipe.out, 'checkpoints', 'step-1'))).toEqual(embedding(model));
    expect(embedding(result.model)).not.toEqual(embedding(model));
  });

  it.each<[string, object, RegExp]>([
    ['whose only rate is 0', { max_steps: 1, schedule: {} }, /one step.*nothing would be trained/],
    ['that the batch makes one', { max_steps: undefined, batch_size: 32 }, /5 rows, batch_size 32/],
    ['that are less than one', { max_steps: undefined, epochs: 1e-9 }, /less than one step/],
    ['without end', { max_steps: undefined, epochs: 1e308 }, /lower epochs/],
  ])('are refused %s, before anything is written', async (_, keys, message) => {
    const { error, events, recipe } = await attempt(recipeOf('sft', keys));
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
    expect(events).toEqual([]);
    expect(existsSync(recipe.out)).toBe(false);
  });

  it('make up epochs, each over every row, and add up their tokens', async () => {
    const { steps, result } = await trained(recipeOf('redi', { max_steps: undefined, epochs: 2 }));
    expect(result.steps).toBe(6); // 5 rows, 2 at a time
    expect(steps.map(({ epoch }) => epoch)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => expect.closeTo(n / 3, 12) as number),
    );
    const tokens = steps.map((step) => step.num_tokens);
    expect(tokens[2]).toBe(pairTokens);
    expect(tokens[5]).toBe(2 * pairTokens);
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens);
    const half = await trained(recipeOf('redi', { max_steps: undefined, epochs: 0.5 }));
    expect(half.result.steps).toBe(2);
  });

  it('are one epoch unless the recipe says more', async () => {
    const { result } = await trained(recipeOf('sft', { max_steps: undefined, batch_size: 4 }));
    expect(result.steps).toBe(2);
  });
});

describe('rows that are too long', () => {
  const question = '2+2?';
  const fits = 'x'.repeat(20);

  it('are left out and counted', async () => {
    const data = writeRows(join(root, 'long.jsonl'), [
      { messages: turns(question, 'x'.repeat(21)) },
      { messages: turns(question, fits) },
      { messages: turns(question, 'x'.repeat(90)) },
      { messages: turns(question, '4') },
    ]);
    const max_length = tokensOf(question, fits);
    const { events, steps } = await trained(recipeOf('sft', { data, max_length, max_steps: 1 }));
    expect(events[0]).toEqual({
      kind: 'data',
      rows: 2,
      dropped: [
        { line: 1, tokens: max_length + 1 },
        { line: 3, tokens: max_length + 70 },
      ],
      tokens: max_length + tokensOf(question, '4'),
    });
    expect(steps[0]!.num_tokens).toBe(max_length + tokensOf(question, '4'));
  });

  it('take their pair with them', async () => {
    const pair = (chosen: string, rejected: string) => ({
      chosen: turns(question, chosen),
      rejected: turns(question, rejected),
    });
    const data = writeRows(join(root, 'long-pairs.jsonl'), [
      pair(fits, 'y'.repeat(21)),
      pair('x'.repeat(21), fits),
      pair('4', '5'),
    ]);
    const max_length = tokensOf(question, fits);
    const { events } = await trained(recipeOf('dpo', { data, max_length, max_steps: 1 }));
    expect(events[0]).toMatchObject({
      rows: 1,
      dropped: [
        { line: 1, tokens: max_length + 1 },
        { line: 2, tokens: max_length + 1 },
      ],
    });
    // Fine-tuning reads the chosen sides only.
    const sft = await trained(recipeOf('sft', { data, max_length, max_steps: 1 }));
    expect(sft.events[0]).toMatchObject({ rows: 2, dropped: [{ line: 2 }] });
  });

  it('are those over the positions of the model without max_length, and it may not be more', async () => {
    const data = writeRows(join(root, 'positions.jsonl'), [
      { messages: turns(question, 'x'.repeat(120)) },
      { messages: turns(question, 'x'.repeat(121)) },
    ]);
    const { events } = await trained(recipeOf('sft', { data, max_steps: 1 }));
    expect(events[0]).toMatchObject({ rows: 1, dropped: [{ line: 2, tokens: 129 }] });
    const { error } = await attempt(recipeOf('sft', { max_length: 129 }));
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toBe(`max_length 129 is more than the 128 positions of ${model}`);
  });

  it('must not be all of them', async () => {
    const { error, recipe } = await attempt(recipeOf('sft', { max_length: 3 }));
    expect((error as Error).message).toBe(`${messages}: all 5 rows are longer than max_length 3`);
    expect(existsSync(recipe.out)).toBe(false);
  });
});

describe('tokenising', () => {
  const many = () => writeRows(join(root, 'many.jsonl'), rowsOf(600));

  it('tells how far it is', async () => {
    const { events } = await trained(recipeOf('sft', { data: many(), max_steps: 1 }));
    expect(events.filter(({ kind }) => kind === 'tokenized')).toEqual([
      { kind: 'tokenized', done: 256, total: 600 },
      { kind: 'tokenized', done: 512, total: 600 },
    ]);
    expect(events.findIndex(({ kind }) => kind === 'data')).toBe(2);
  });

  it('can be stopped, before anything is written', async () => {
    const { error, events, recipe } = await attempt(recipeOf('sft', { data: many() }), () => true);
    expect(error).toBe(stopped);
    expect(events).toEqual([]);
    expect(existsSync(recipe.out)).toBe(false);
  });
});

/** A copy of the model whose tokenizer gives a character an id beyond the embeddings. */
function withForeignToken(character: string): string {
  const dir = join(root, 'foreign');
  cpSync(model, dir, { recursive: true });
  const path = join(dir, 'tokenizer.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number> } };
  json.model.vocab[character] = 500;
  writeFileSync(path, JSON.stringify(json));
  return dir;
}

describe('what cannot be trained', () => {
  it.each<[string, () => TrainRecipe, string]>([
    ['a model that is not there', () => recipeOf('sft', { model: join(root, 'none') }), join(root, 'none')],
    ['data that is not there', () => recipeOf('sft', { data: join(root, 'no.jsonl') }), 'does not exist'],
    [
      'messages for an objective of pairs',
      () => recipeOf('redi', { data: messages }),
      `${messages}, line 1: objective redi compares`,
    ],
    [
      'a tokenizer of another model',
      () => recipeOf('sft', { model: withForeignToken('8') }),
      `${messages}, line 5 has the token id 500, but the model has 128 embeddings: its tokenizer is another model's`,
    ],
    ['a file without rows', () => recipeOf('sft', { data: writeRows(join(root, 'e'), []) }), 'has no rows'],
  ])('%s is refused before anything is written', async (_, recipe, message) => {
    const run = await attempt(recipe());
    expect(run.error).toBeInstanceOf(UserError);
    expect((run.error as Error).message).toContain(message);
    expect(run.events).toEqual([]);
    expect(existsSync(run.recipe.out)).toBe(false);
  });

  it('cannot be scored either, where it is the tokenizer', async () => {
    const options = {
      dtype: 'f32',
      device: 'cpu',
      layout: 'template',
      tokens: false,
      tokenBudget: 64,
    } as const;
    const scored = scoreFile({ ...options, model: withForeignToken('8'), data: pairs }, silentProgress);
    await expect(scored).rejects.toThrow(
      `${pairs}, line 5 has the token id 500, but the model has 128 embeddings`,
    );
  });
});

it('tells of texts that are not read as they are written, once', async () => {
  const data = writeRows(join(root, 'halves.jsonl'), [
    { messages: turns('2+2?', '4') },
    { messages: turns('\ud83d', '4') },
    { messages: turns('\ude00', '4') },
  ]);
  const { events } = await trained(recipeOf('sft', { data, doctor: 'off' }));
  const notices = events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : []));
  expect(notices.filter((sentence) => sentence.includes('surrogate'))).toEqual([
    expect.stringMatching(/halves\.jsonl, line 2: "messages" .* in 2 rows of the file$/),
  ]);
});
