import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { readSampleGroups } from '../curate/sampleGroups.js';
import { Scorer } from '../models/scorer.js';
import type { AskedModel } from '../teacher/responses.js';
import { collect } from '../teacher/collect.js';
import { encodePrompt } from '../text/tokenRows.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import type { RequestQueue } from '../teacher/requests.js';
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

class Killed extends Error {}

/** The same model, which dies when it has answered so many requests. */
function dyingAfter(answers: number, { sampler, ...rest }: AskedModel): AskedModel {
  return {
    ...rest,
    sampler: {
      ...sampler,
      async run(queue, signal) {
        const death = new AbortController();
        let left = answers;
        const dying: RequestQueue = {
          next: () => queue.next(),
          failed: (request, reason, permanent) => {
            queue.failed(request, reason, permanent);
          },
          answered: async (request, completion) => {
            const written = queue.answered(request, completion);
            if (request.answeredTokens === undefined && --left === 0) death.abort(new Killed());
            await written;
          },
        };
        await sampler.run(dying, AbortSignal.any([signal, death.signal]));
      },
    },
  };
}

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

describe('a prompt file', () => {
  const shots = writeRows(join(root, 'shots.jsonl'), [
    { problem: 'a?', answer: 'b' },
    { problem: 'c?', answer: 'd' },
    { problem: 'e?', answer: 'f' },
  ]);
  const prompt = join(root, 'prompt.yaml');
  writeFileSync(
    prompt,
    `system: s
user: "Q {{ problem }}"
prefix: "{{ answer }} "
demonstrations: { data: ${shots}, count: 2, seed: 3, user: "D {{ problem }}", assistant: "{{ gold }}" }
`,
  );
  const keys = {
    prompt,
    dtype: 'f32',
    sampling: { temperature: 1, top_p: 0.9, max_tokens: 30, keep_tokens: true },
  };
  const rowsOf = (out: string) =>
    bytesOf(out)
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            problem: string;
            answer: string;
            generations: string[];
            generation_details: { tokens?: never; prompt_ids: number[] }[];
          },
      );

  it('says what the model is given, and its prefix how the response begins', async () => {
    const out = newOut();
    await run(settingsOf(keys), out);
    const tokenizer = ChatTokenizer.load(model);
    const demonstrated = new Set<string>();
    for (const { problem, answer, generations, generation_details: details } of rowsOf(out)) {
      const pairs = [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ].flatMap((one, i, all) => all.filter((_, j) => j !== i).map((other) => [one, other]));
      const possible = await Promise.all(
        pairs.map((pair) =>
          encodePrompt(
            tokenizer,
            [
              { role: 'system', content: 's' },
              ...pair.flatMap(([question, reply]) => [
                { role: 'user', content: `D ${question}?` },
                { role: 'assistant', content: reply! },
              ]),
              { role: 'user', content: `Q ${problem}` },
            ],
            { forcedPrefix: `${answer} ` },
          ),
        ),
      );
      const ids = details.map(({ prompt_ids }) => prompt_ids.join());
      expect(possible.map((one) => one.join())).toContain(ids[0]);
      expect(new Set(ids).size).toBe(1);
      demonstrated.add(String(possible.findIndex((one) => one.join() === ids[0])));
      for (const text of generations) expect(text.startsWith(`${answer} `)).toBe(true);
    }
    expect(demonstrated.size).toBeGreaterThan(1);
  });

  it('leads to the bytes of an undisturbed run where the run was killed, and is noticed where it has changed', async () => {
    const settings = settingsOf({ ...keys, dtype: 'bf16' });
    const undisturbed = newOut();
    await run(settings, undisturbed);
    const out = newOut();
    for (const after of [3, 9, 12])
      await expect(run(settings, out, dyingAfter(after, localModel(settings)))).rejects.toThrow(Killed);
    await run(settings, out);
    expect(bytesOf(out)).toBe(bytesOf(undisturbed));
    writeFileSync(prompt, readFileSync(prompt, 'utf8').replace('Q ', 'Question '));
    await expect(run(settings, out)).rejects.toThrow(/was begun with other settings: prompt \(/);
  });
});

describe('a prefix of the row', () => {
  it('begins its responses', async () => {
    const prefixed = writeRows(join(root, 'prefixed.jsonl'), [
      { problem: 'x?', answer: '1', begin: 'one' },
      { problem: 'x?', answer: '1', begin: '' },
      { problem: 'x?', answer: '1', begin: 'two words' },
    ]);
    const out = newOut();
    const keys = { data: prefixed, prefix_field: 'begin', instruction: 'I.', dtype: 'f32' };
    const sampling = { temperature: 0, max_tokens: 5, keep_tokens: true };
    await run(settingsOf({ ...keys, sampling }), out);
    const rows = bytesOf(out)
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            begin: string;
            generations: string[];
            generation_details: { prompt_ids: number[] }[];
          },
      );
    const tokenizer = ChatTokenizer.load(model);
    expect(rows.map(({ begin }) => begin)).toEqual(['one', '', 'two words']);
    for (const {
      begin,
      generations,
      generation_details: [detail],
    } of rows) {
      const ids = await encodePrompt(tokenizer, [{ role: 'user', content: 'I.\nx?' }], {
        forcedPrefix: begin,
      });
      expect(detail!.prompt_ids).toEqual([...ids]);
      for (const text of generations) expect(text.startsWith(begin)).toBe(true);
    }
    const lacking = writeRows(join(root, 'lacking.jsonl'), [{ problem: 'x?', answer: '1', begin: 3 }]);
    await expect(run(settingsOf({ ...keys, data: lacking }), newOut())).rejects.toThrow(
      `${lacking}, line 1: "begin", with which the response begins, must be a text`,
    );
    const both = { ...keys, sampling: { forced_prefix: 'x' } };
    await expect(run(settingsOf(both), newOut())).rejects.toThrow(
      'Give "prefix_field" or "forced_prefix", not both',
    );
  });
});
