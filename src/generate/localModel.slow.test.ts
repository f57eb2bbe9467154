import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dyingAfter, Killed } from '../../test/support/dyingModel.js';
import { writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { readSampleGroups } from '../curate/sampleGroups.js';
import { Scorer } from '../models/scorer.js';
import { collect } from '../teacher/collect.js';
import { collectSettings } from '../teacher/settings.js';
import { liveTensors } from '../torch/tensor.js';
import { silentProgress } from '../util/progress.js';
import { Random } from '../util/random.js';
import { localModel } from './localModel.js';
import { openGenerator } from './open.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-local-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let folders = 0;
const newOut = () => join(root, `out-${++folders}`);

const model = writeTinyModel(join(root, 'model'));
const data = writeRows(
  join(root, 'problems.jsonl'),
  Array.from({ length: 24 }, (_, i) => ({
    problem: `${'x'.repeat((7 * i) % 30)}${i}?`,
    answer: `${i % 10}`,
  })),
);
const settingsOf = (keys: object) =>
  collectSettings.parse({
    ...{ data, model, instruction: '', batch_size: 6, samples: 2 },
    sampling: { temperature: 1, top_p: 0.9, max_tokens: 30 },
    ...keys,
  });
type Settings = ReturnType<typeof settingsOf>;

/** A response is right where it has the answer's digit. */
const verify = ({ gold, pred }: { gold: string; pred: string }) => {
  const correct = pred.includes(gold);
  return { correct, reason: correct ? 'equal' : 'different', stage: 'string', extracted: null };
};

const run = (settings: Settings, out: string, asked = localModel(settings)) =>
  collect({
    settings,
    out,
    model: asked,
    verify,
    progress: silentProgress,
    signal: new AbortController().signal,
  });
const bytesOf = (out: string, name = 'traces.jsonl') => readFileSync(join(out, name), 'utf8');
const journaled = (out: string) => bytesOf(out, 'journal.jsonl').trimEnd().split('\n').length - 1;

describe.each([
  ['k traces', {}],
  ['until the first right trace', { samples: 1, until_right: 4 }],
  ['greedily', { samples: 1, sampling: { temperature: 0, max_tokens: 30 } }],
])('%s', (_, keys) => {
  it.each(['bf16', 'f32'])(
    'stopped and resumed again and again in %s: the bytes of an undisturbed run',
    async (dtype) => {
      const settings = settingsOf({ ...keys, dtype });
      const undisturbed = newOut();
      await run(settings, undisturbed);
      const tensors = liveTensors();
      const random = new Random(7);
      const out = newOut();
      let runs = 0;
      for (;;) {
        runs++;
        const before = runs === 1 ? 0 : journaled(out);
        try {
          await run(settings, out, dyingAfter(1 + random.nextInt(8), localModel(settings)));
          break;
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
        }
        expect(journaled(out)).toBeGreaterThan(before); // nothing that was finished is lost
      }
      expect(runs).toBeGreaterThan(3);
      expect(bytesOf(out)).toBe(bytesOf(undisturbed));
      expect(journaled(out)).toBe(journaled(undisturbed));
      expect(liveTensors()).toBe(tensors);
    },
  );
});

describe('a run that keeps tokens', () => {
  const rule = join(root, 'rule.mjs');
  writeFileSync(
    rule,
    // Puts two tokens in, and takes one back that it does not like.
    `export const rule = { begin: () => ({ after: ({ ids }) =>
      ids.length === 3 ? { force: Int32Array.of(5, 6) } : ids.length === 7 && ids[6] % 2 ? { takeBack: 2 } : undefined }) };`,
  );
  const keys = {
    dtype: 'f32',
    sampling: { temperature: 1, top_p: 0.9, max_tokens: 30, keep_tokens: true, rules: { module: rule } },
  };

  it('gives rows whose ids, log-probs and weights are those of what was drawn', async () => {
    const out = newOut();
    await run(settingsOf(keys), out);
    using opened = openGenerator(model, { dtype: 'f32', device: 'cpu' });
    using scorer = new Scorer(opened.model);
    let [samples, forced] = [0, 0];
    for await (const { samples: group } of readSampleGroups([join(out, 'traces.jsonl')], 'mv')) {
      for (const { sequence, length, meanLogp } of group) {
        const { prompt, response, columns } = sequence as {
          prompt: { ids: number[] };
          response: [{ ids: number[]; weights?: number[] }];
          columns: { behaviour: number[] };
        };
        const { ids } = response[0];
        const weights = response[0].weights ?? ids.map(() => 1);
        const row = { ids: Int32Array.from([...prompt.ids, ...ids]), responseStart: prompt.ids.length };
        const [expected] = scorer.score([row]);
        expect(length).toBe(ids.length);
        columns.behaviour.forEach((logp, t) => {
          expect(logp).toBeCloseTo(expected![t]!, 4);
        });
        const drawn = columns.behaviour.filter((_, t) => weights[t] === 1);
        if (drawn.length > 0)
          expect(meanLogp).toBeCloseTo(drawn.reduce((a, b) => a + b, 0) / drawn.length, 12);
        weights.forEach((weight, t) => {
          expect(weight).toBe(t === 3 || t === 4 ? 0 : 1);
          if (weight === 0) expect(ids[t]).toBe(t + 2);
        });
        samples++;
        forced += weights.filter((weight) => weight === 0).length;
      }
    }
    expect(samples).toBeGreaterThan(40);
    expect(forced).toBeGreaterThan(40);
  });

  it('that is stopped goes on as if it had not been, though its rule takes tokens back', async () => {
    const settings = settingsOf({ ...keys, dtype: 'bf16' });
    const undisturbed = newOut();
    await run(settings, undisturbed);
    const out = newOut();
    for (const after of [3, 9, 12]) {
      await expect(run(settings, out, dyingAfter(after, localModel(settings)))).rejects.toThrow(Killed);
    }
    await run(settings, out);
    expect(bytesOf(out)).toBe(bytesOf(undisturbed));
    writeFileSync(rule, `${readFileSync(rule, 'utf8')} // changed`);
    await expect(run(settings, out)).rejects.toThrow('rules_sha256');
  });
});

describe('a second model', () => {
  const rule = join(root, 'hand.mjs');
  writeFileSync(
    rule,
    `export const rule = { name: 'hand', begin: () => ({
      after: ({ ids }) => (ids.length % 4 === 2 ? { model: 'helper', tokens: 2 } : undefined),
    }) };`,
  );
  const other = writeTinyModel(join(root, 'other'), { rms_norm_eps: 20 });
  const drawn = async (keys: object) => {
    const out = newOut();
    const sampling = { temperature: 0, max_tokens: 20, keep_tokens: true, ...keys };
    await run(settingsOf({ dtype: 'f32', samples: 1, sampling }), out);
    return bytesOf(out)
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          (JSON.parse(line) as { generation_details: { ids: number[] }[] }).generation_details[0]!.ids,
      );
  };

  it('that is the first one again changes nothing, and another one goes on from where it is handed over', async () => {
    const alone = await drawn({});
    expect(await drawn({ rules: { module: rule }, helper_model: model })).toEqual(alone);
    const helped = await drawn({ rules: { module: rule }, helper_model: other });
    expect(helped).not.toEqual(alone);
    helped.forEach((ids, i) => {
      expect(ids.slice(0, 2)).toEqual(alone[i]!.slice(0, 2));
    });
    await expect(drawn({ rules: { module: rule } })).rejects.toThrow('there is no model "helper"');
  });

  it('is known by what it is, wherever it lies', async () => {
    const out = newOut();
    const keys = (helper_model: string) =>
      settingsOf({ samples: 1, sampling: { max_tokens: 5, rules: { module: rule }, helper_model } });
    await run(keys(other), out);
    await run(keys(writeTinyModel(join(root, 'copy'), { rms_norm_eps: 20 })), out);
    await expect(run(keys(model), out)).rejects.toThrow('helper_model_sha256');

    // A run that failed before its first answer has no hold on its folder.
    const failed = newOut();
    const sampling = { max_tokens: 5, rules: { module: rule } };
    await expect(run(settingsOf({ samples: 1, sampling }), failed)).rejects.toThrow('no model "helper"');
    expect(journaled(failed)).toBe(0);
    await run(keys(other), failed);
    expect(bytesOf(failed)).toBe(bytesOf(out));
    expect(journaled(failed)).toBe(24);
  });
});
