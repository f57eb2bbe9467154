import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonLines } from '../../data/jsonl.js';
import { normalizeFinalAnswer } from '../../curate/normalizeAnswer.js';
import { mapTraces, readLabelledTraces, type LabelledProblem } from '../../data/labelledTraces.js';
import {
  demonstrations,
  preferencePairs,
  shortestPairs,
  type MeasureLength,
  type Turn,
} from '../../data/trainingRows.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { writeFileAtomic } from '../../util/files.js';
import { defineStage } from './stage.js';

const take = z.enum(['first', 'all']);

/** Labelled traces → sft.jsonl (right traces) and pref.jsonl (right and wrong of one problem). */
export const tracesStage = defineStage({
  schema: z.strictObject({
    data: z.string(),
    /** Whose tokenizer and template measure lengths. */
    model: z.string(),
    /** Longer traces, with their prompt, are left out. */
    max_tokens: z.int().positive(),
    demonstrations: take.default('first'),
    pairs: take.default('first'),
    /** Only the shortest pairs. */
    shortest_pairs: z.int().positive().optional(),
    /** Turn a last line `A: 18` or `#### 18` into `The answer is 18`. */
    normalize_answers: z.boolean().default(false),
  }),
  inputs: ({ data }) => [data],
  result: (_, dir) => dir,
  run: async (config, { dir, progress }) => {
    const tokenizer = ChatTokenizer.load(config.model);
    const labelled = readLabelledTraces(config.data);
    const problems = config.normalize_answers ? mapTraces(labelled, normalizeFinalAnswer) : labelled;
    const measure = await lengths(problems, tokenizer);
    const limit = { measure, maximum: config.max_tokens };
    const sft = demonstrations(problems, config.demonstrations, limit);
    const all = preferencePairs(problems, config.pairs, limit);
    const pref =
      config.shortest_pairs === undefined ? all : shortestPairs(all, config.shortest_pairs, measure);
    writeJsonLines(join(dir, 'sft.jsonl'), sft);
    writeJsonLines(join(dir, 'pref.jsonl'), pref);
    const traces = problems.flatMap((problem) => problem.traces);
    const summary = {
      problems: problems.length,
      traces: traces.length,
      right: traces.filter((trace) => trace.correct).length,
      demonstrations: sft.length,
      pairs: pref.length,
    };
    writeFileAtomic(join(dir, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    progress.log(
      `${summary.problems} problems, ${summary.traces} traces (${summary.right} right) → ${sft.length} demonstrations, ${pref.length} pairs`,
    );
  },
});

/** Tokens of a problem with one of its traces, by the model's template. */
async function lengths(
  problems: readonly LabelledProblem[],
  tokenizer: ChatTokenizer,
): Promise<MeasureLength> {
  const render = (messages: readonly Turn[]) => tokenizer.renderChat(messages);
  const texts = problems.flatMap(({ problem, traces }) =>
    traces.map(({ text }) =>
      render([
        { role: 'user', content: problem },
        { role: 'assistant', content: text },
      ]),
    ),
  );
  const rows = await tokenizer.encodeAll(texts);
  const known = new Map(texts.map((text, i) => [text, rows[i]!.length]));
  return (messages) => known.get(render(messages))!;
}
