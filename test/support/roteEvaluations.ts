import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { evaluate, evaluateSettings } from '../../src/evaluate/evaluate.js';
import type { AskedModel } from '../../src/teacher/responses.js';
import { silentProgress } from '../../src/util/progress.js';
import { writeRows } from './tinyModel.js';

/**
 * Evaluations by models that answer by rote, in folders that are removed after the tests.
 */
export function roteEvaluations() {
  const root = mkdtempSync(join(tmpdir(), 'redistill-rote-'));
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  let folders = 0;
  const path = (name: string) => join(root, name);

  /** Writes problems, of which no two resemble each other; the gold of the i-th is i. */
  const problems = (
    name: string,
    count: number,
    textOf = (i: number) => `${'x'.repeat(i + 1)}?`,
    further: (i: number) => Record<string, unknown> = () => ({}),
  ): string =>
    writeRows(
      path(name),
      Array.from({ length: count }, (_, i) => ({
        id: `p${i}`,
        problem: textOf(i),
        answer: `${i}`,
        ...further(i),
      })),
    );

  /**
   * Evaluates a model that answers rightly where `rights` says so, a row a problem, and −1 elsewhere.
   * @returns the folder
   */
  const evaluation = async (
    data: string,
    rights: readonly (readonly (boolean | number)[])[],
    keys: Record<string, unknown> = {},
    identity: Record<string, unknown> = {},
  ): Promise<string> => {
    const out = path(`evaluation-${++folders}`);
    const model: AskedModel = {
      name: 'rote',
      identity: { model: 'rote', ...identity },
      sampler: {
        replays: false,
        async run(queue) {
          for (let request = queue.next(); request; request = queue.next()) {
            const { problem, sample } = request.id;
            const text = rights[problem]![sample] ? `So \\boxed{${problem}}.` : 'So \\boxed{-1}.';
            const usage = { promptTokens: 10, completionTokens: 5 };
            await queue.answered(request, { text, reasoning: null, finishReason: 'stop', ...usage });
          }
        },
      },
    };
    const settings = evaluateSettings.parse({ data, model: 'rote', samples: rights[0]!.length, ...keys });
    const { signal } = new AbortController();
    await evaluate({ settings, out, model, progress: silentProgress, signal });
    return out;
  };
  return { path, problems, evaluation };
}
