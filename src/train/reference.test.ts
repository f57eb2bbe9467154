import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { familyDir, familyNames } from '../../test/support/families.js';
import { contents, readRows, writeTinyModel } from '../../test/support/tinyModel.js';
import {
  attempt,
  model,
  pairs,
  recipeOf,
  root,
  setUpRuns,
  trained,
  type Run,
} from '../../test/support/trainingRuns.js';
import { loadModel } from '../models/checkpoint.js';
import { silentProgress } from '../util/progress.js';
import { cacheFolder } from './cacheFiles.js';
import { Engine } from './engine.js';
import { scoringPacks } from './keptScores.js';
import { scoreFile } from './score.js';
import { TrainableWeights } from './weights.js';

/** Responses that scorers were given, and a factor of what they say. */
const scorer = vi.hoisted(() => ({ rows: 0, factor: 1 }));

vi.mock('../models/scorer.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../models/scorer.js')>();
  class Scorer extends original.Scorer {
    override score(rows: Parameters<InstanceType<typeof original.Scorer>['score']>[0]) {
      scorer.rows += rows.length;
      return super.score(rows).map((logps) => logps.map((logp) => scorer.factor * logp));
    }
  }
  return { ...original, Scorer };
});

setUpRuns();
beforeEach(() => {
  scorer.rows = 0;
  scorer.factor = 1;
});

const files = () => readdirSync(cacheFolder('references'));
const onlyFile = () => join(cacheFolder('references'), files()[0]!);
const notices = ({ events }: Run) =>
  events.flatMap((event) =>
    event.kind === 'notice' && /reference/.test(event.sentence) ? [event.sentence] : [],
  );
/** All files of a run that follow from its recipe. */
const lasting = ({ recipe: { out } }: Run) =>
  Object.fromEntries(
    Object.entries(contents(out)).filter(([name]) => !/^(speed|recipe|finished)/.test(name)),
  );
const dpo = (keys: object = {}) => recipeOf('dpo', { proofs: 'on', ...keys });
const claims = ({ events }: Run) =>
  events
    .flatMap((event) => (event.kind === 'proofs' ? event.proofs : []))
    .filter(({ claim }) => /reference/.test(claim));

/** A module's objective that needs the reference token by token: the sum of logp·reference of each token. */
const tokenwise = join(root, 'tokenwise.mjs');
beforeEach(() => {
  writeFileSync(
    tokenwise,
    `export default { create: () => ({
      name: 'tokenwise', formula: '', data: 'pairs', needs: { reference: 'token' },
      evaluate: ({ logps, sequences, referenceLogps = sequences.map(({ columns }) => columns.reference) }) => ({
        loss: logps.reduce((a, row, i) => row.reduce((b, x, t) => b + x * referenceLogps[i][t], a), 0),
        gradient: referenceLogps.map((row) => row.slice()),
        metrics: {},
      }),
    }) };\n`,
  );
});

describe.each<[string, object]>([
  ['sums', {}],
  ['tokens', { objective: { module: tokenwise } }],
])('a reference of which %s are needed', (kind, keys) => {
  it.each(['f32', 'bf16'])(
    'is scored once: the next run is the same in %s, to the last byte',
    async (dtype) => {
      const [first, scored] = [await trained(dpo({ ...keys, dtype })), scorer.rows];
      expect(scored).toBe(10);
      expect(notices(first)).toEqual([]);
      const second = await trained(dpo({ ...keys, dtype }));
      // Of the shortest, so many as have 128 tokens together.
      const again = Number(/(\d+) of them scored again and the same$/.exec(notices(second)[0]!)![1]);
      expect(scorer.rows - scored).toBe(again);
      expect(again).toBeLessThan(10);
      expect(second.events.some((event) => event.kind === 'reference')).toBe(false);
      expect(lasting(second)).toEqual(lasting(first));
      // Two packs, each with its check.
      if (kind === 'sums') expect(readFileSync(onlyFile())).toHaveLength(64 + 10 * 8 + 2 * 8);
    },
  );

  it('that is of other weights is found out by what is scored again', async () => {
    const first = await trained(dpo(keys));
    const content = readFileSync(onlyFile());
    // A whole file of the right key, with log-probs that are off by a millionth.
    rmSync(onlyFile());
    scorer.factor = 1 + 1e-6;
    await trained(dpo({ ...keys, proofs: 'off' }));
    expect(readFileSync(onlyFile())).not.toEqual(content);
    scorer.factor = 1;
    const second = await trained(dpo(keys));
    expect(notices(second)).toEqual([
      `the log-probs of the reference in ${onlyFile()} are not those of the model: they are scored anew`,
    ]);
    expect(lasting(second)).toEqual(lasting(first));
    expect(readFileSync(onlyFile())).toEqual(content);
  });

  it.each<[string, (path: string, content: Buffer) => void]>([
    [
      'truncated',
      (path, { length }) => {
        truncateSync(path, length - 9);
      },
    ],
    [
      'empty',
      (path) => {
        writeFileSync(path, '');
      },
    ],
    [
      'longer',
      (path, content) => {
        writeFileSync(path, Buffer.concat([content, content]));
      },
    ],
    [
      'damaged',
      (path, content) => {
        writeFileSync(path, content.fill(content[100]! ^ 1, 100, 101));
      },
    ],
    [
      'of another key',
      (path, content) => {
        writeFileSync(path, content.fill('0', 0, 1).fill('1', 1, 2));
      },
    ],
  ])('that is %s is scored anew', async (_, harm) => {
    const first = await trained(dpo(keys));
    const [path, content] = [onlyFile(), readFileSync(onlyFile())];
    harm(path, Buffer.from(content));
    const second = await trained(dpo(keys));
    expect(notices(second)).toEqual([
      `the log-probs of the reference in ${path} are damaged: they are scored anew`,
    ]);
    expect(lasting(second)).toEqual(lasting(first));
    expect(readFileSync(path)).toEqual(content);
  });

  describe('whose scoring is stopped', () => {
    const one = { ...keys, token_budget: 1 };
    const stopped = async () => {
      await attempt(dpo(one), (asked) => asked === 7);
      expect(files()).toEqual([expect.stringMatching(/\.reference\..*\.tmp$/)]);
      return join(cacheFolder('references'), files()[0]!);
    };

    it('is gone on with: numbers and steps are those of a run that was not stopped', async () => {
      const whole = await trained(dpo(one));
      const content = readFileSync(onlyFile());
      rmSync(onlyFile());
      await stopped();
      const second = await trained(dpo(one));
      expect(notices(second)).toEqual(['the reference: 7 of 10 responses were scored before']);
      const progress = second.events.flatMap((event) => (event.kind === 'reference' ? [event.done] : []));
      expect(progress).toEqual([8, 9, 10]);
      expect(lasting(second)).toEqual(lasting(whole));
      expect(readFileSync(onlyFile())).toEqual(content);
    });

    it('by a kill, goes on after the last pack that is whole, whatever comes after it', async () => {
      await trained(dpo(one));
      const content = readFileSync(onlyFile());
      rmSync(onlyFile());
      const path = await stopped();
      const there = readFileSync(path);
      const harms = [
        there.subarray(0, -3),
        Buffer.concat([there, Buffer.alloc(5)]),
        Buffer.from(there).fill(there.at(-1)! ^ 1, there.length - 1),
        there.subarray(0, 40),
        Buffer.alloc(0),
        Buffer.from(there).fill('x', 3, 4),
      ];
      for (const harm of harms) {
        // Process number 1 of another host that has been silent for two days.
        const left = path.replace(/[0-9a-f]{8}-\d+\.tmp$/, '01234567-1.tmp');
        writeFileSync(left, harm);
        utimesSync(left, new Date(), new Date(Date.now() - 48 * 3_600_000));
        rmSync(path, { force: true });
        await trained(dpo(one));
        expect(files()).toHaveLength(1);
        expect(readFileSync(onlyFile())).toEqual(content);
        rmSync(onlyFile());
      }
    });

    it('begins anew where the model gives other numbers now', async () => {
      const whole = await trained(dpo(one));
      rmSync(onlyFile());
      scorer.factor = 1 + 1e-6;
      await stopped();
      scorer.factor = 1;
      const second = await trained(dpo(one));
      expect(notices(second)).toEqual([]);
      expect(lasting(second)).toEqual(lasting(whole));
    });
  });
});

it.each<[string, object]>([
  ['dtype', { dtype: 'bf16' }],
  ['budget', { token_budget: 100 }],
  ['tokens', { system: 'Be brief.' }],
  ['rows', { max_length: 30 }],
  ['configuration', { model_overrides: { rope_theta: 500 } }],
])('another %s is another file', async (_, keys) => {
  await trained(dpo());
  await trained(dpo(keys));
  expect(files()).toHaveLength(2);
});

describe('reference', () => {
  const copyOf = (name: string, config: object = {}) => writeTinyModel(join(root, name), { ...config });

  /** A model of the same shape whose weights are others. */
  const trainedOther = async () => {
    const { result } = await trained(recipeOf('sft', { optimizer: { lr: 0.01 } }));
    return result.model;
  };

  it('may be a copy of the model: then it is the start, and scored once for both', async () => {
    const start = await trained(dpo());
    for (const reference of ['start', copyOf('copy')]) {
      const named = await trained(dpo({ reference }));
      expect(claims(named)).toEqual([{ claim: 'the reference and the model', difference: 0, bound: 0 }]);
      expect(lasting(named)).toEqual(lasting(start));
    }
    expect(files()).toHaveLength(1);
  });

  it('by another name is the model with its overrides too', async () => {
    const link = join(root, 'link');
    symlinkSync(model, link);
    const copy = join(root, 'whole-copy');
    cpSync(model, copy, { recursive: true });
    const keys = { model_overrides: { rope_theta: 500 } };
    const start = await trained(dpo(keys));
    for (const reference of [link, copy, model]) {
      const named = await trained(dpo({ ...keys, reference }));
      expect(claims(named)).toEqual([{ claim: 'the reference and the model', difference: 0, bound: 0 }]);
      expect(lasting(named)).toEqual(lasting(start));
    }
    expect(files()).toHaveLength(1);
  });

  it('may be another model, of which nothing is claimed', async () => {
    const reference = await trainedOther();
    const run = await trained(dpo({ reference, schedule: { warmup_ratio: 0.5 } }));
    expect(claims(run)).toEqual([]);
    const settings = { data: pairs, dtype: 'f32' as const, device: 'cpu', layout: 'template' as const };
    const scores = await Promise.all(
      [model, reference].map((of) =>
        scoreFile({ ...settings, model: of, tokens: false, tokenBudget: 2048 }, silentProgress),
      ),
    );
    const margins = scores.map((rows) =>
      rows.map((row) => ('chosen' in row ? row.chosen.sum - row.rejected.sum : NaN)),
    );
    // The first step changes nothing, and has β times the difference of margins, averaged over two of the rows.
    const expected = margins[0]!.map((margin, i) => 0.1 * (margin - margins[1]![i]!));
    const [first] = run.steps;
    const means = expected.flatMap((a, i) => expected.slice(i + 1).map((b) => (a + b) / 2));
    expect(Math.min(...means.map((mean) => Math.abs(mean - first!['rewards/margins']!)))).toBeLessThan(1e-5);
    expect(Math.abs(first!['rewards/margins']!)).toBeGreaterThan(1e-4);
  });

  it.each<[string, object, RegExp]>([
    ['with fewer positions', { max_position_embeddings: 16 }, /has 16 positions, and a row has \d+ tokens/],
  ])('%s than a row has tokens is refused before anything is written', async (_, config, message) => {
    const { error, recipe } = await attempt(dpo({ reference: copyOf('short', config) }));
    expect(String(error)).toMatch(message);
    expect(readdirSync(recipe.out)).toEqual([]);
  });

  it('whose tokenizer is another is refused', async () => {
    const other = copyOf('other-tokens');
    const path = join(other, 'tokenizer.json');
    const text = readFileSync(path, 'utf8');
    const { model: parts } = JSON.parse(text) as { model: { vocab: Record<string, number> } };
    const [a, b] = [parts.vocab['2']!, parts.vocab['Z']!];
    writeFileSync(path, text.replace(`"2":${a}`, `"2":${b}`).replace(`"Z":${b}`, `"Z":${a}`));
    const { error } = await attempt(dpo({ reference: other }));
    expect(String(error)).toMatch(
      /other-tokens has another tokenizer than .*: token \d+ is "Z" there and "2" here/,
    );
  });

  it('is refused where nothing looks at it', async () => {
    const { error, recipe } = await attempt(recipeOf('redi', { reference: 'start' }));
    expect(String(error)).toContain('objective redi compares with no reference: take out reference (start)');
    expect(existsSync(recipe.out)).toBe(false);
  });

  it('counts by its content where a run goes on', async () => {
    const reference = copyOf('moved');
    const keys = { token_budget: 1, max_steps: 4, save: { every: 1, states: 2 } };
    const whole = await trained(dpo({ ...keys, reference }));
    const recipe = dpo({ ...keys, reference });
    await attempt(recipe, (asked) => asked === 9);
    const elsewhere = join(root, 'elsewhere');
    renameSync(reference, elsewhere);
    const second = await trained({ ...recipe, reference: elsewhere }, {});
    expect(lasting(second)).toEqual(lasting(whole));
    const third = await attempt({ ...recipe, reference: await trainedOther() }, undefined, {});
    expect(String(third.error)).toContain('what reference names has changed');
  });
});

it('of other rows is not taken from an earlier file, also where their lengths are the same', async () => {
  await trained(dpo());
  const data = join(root, 'others.jsonl');
  const rows = readRows(pairs).map(
    (row) => JSON.parse(JSON.stringify(row).replace('five', 'nine')) as object,
  );
  writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await trained(dpo({ data }));
  expect(files()).toHaveLength(2);
});

it('packs every response once, those first that are cheap to score again', () => {
  const lengths = [400, 90, 30, 20, 500, 60, 10];
  const packs = scoringPacks(lengths, 512);
  expect(packs[0]).toEqual([2, 3, 5, 6]); // 10, 20, 30 and 60; 90 would make more than 128
  expect(packs.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(scoringPacks([300, 200], 100)[0]).toEqual([1]);
});

describe.each(familyNames)('the model %s', (name) => {
  it.each(['f32', 'bf16'] as const)(
    'trains with the log-probs that a scorer gives, to the last bit in %s',
    async (dtype) => {
      const { Scorer } = await import('../models/scorer.js');
      const rows = [7, 12, 5].map((length, row) => ({
        ids: Int32Array.from({ length }, (_, i) => 3 + ((5 * i + 7 * row) % 50)),
        responseStart: 2,
      }));
      for (const recompute of [false, true]) {
        using weights = new TrainableWeights(loadModel(familyDir(name), { dtype: 'f32' }).model, dtype);
        using engine = new Engine(weights, recompute);
        using scoring = new Scorer(weights.model);
        const activations = engine.forward(rows);
        const trainedLogps = engine.score(activations);
        engine.backward(activations, trainedLogps);
        expect(trainedLogps).toEqual(scoring.score(rows));
      }
    },
  );
});
