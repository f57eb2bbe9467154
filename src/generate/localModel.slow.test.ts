import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import type { AskedModel } from '../teacher/responses.js';
import { collect } from '../teacher/collect.js';
import type { RequestQueue } from '../teacher/requests.js';
import { collectSettings } from '../teacher/settings.js';
import { liveTensors } from '../torch/tensor.js';
import { silentProgress } from '../util/progress.js';
import { Random } from '../util/random.js';
import { localModel } from './localModel.js';

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
