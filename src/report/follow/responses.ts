/** @file Responses of an evaluation or a collection under way, by the journal to which each is added as it comes. */
import { join } from 'node:path';
import { z } from 'zod';
import { isCutOff } from '../../data/finishReasons.js';
import type { LiveSample } from '../live.js';
import type { FoundFolder } from '../read/folders.js';
import { settingsOf } from '../read/json.js';
import { TailedFile } from '../read/tail.js';
import { activityOf, type Activity } from './activity.js';

const JOURNAL = 'journal.jsonl';
/** Responses that are shown, and characters of each. */
const [SHOWN, CHARACTERS] = [3, 1_500];
/** The time that is left is foretold by what came in so long. */
const WINDOW_MS = 10 * 60_000;

const header = z.looseObject({ problems: z.looseObject({ rows: z.number() }) });
const entry = z.looseObject({
  id: z.looseObject({ problem: z.number(), sample: z.number() }),
  text: z.string(),
  finish_reason: z.string(),
  completion_tokens: z.number().nullish(),
  verdict: z
    .looseObject({ correct: z.boolean(), extracted: z.string().nullable(), reason: z.string() })
    .optional()
    .catch(undefined),
  reparsed: z.boolean().optional().catch(undefined),
  grade: z
    .looseObject({
      ...{ by: z.string(), correct: z.boolean(), extracted: z.string().nullable() },
      reason: z.string().default(''),
    })
    .optional()
    .catch(undefined),
});
type Entry = z.output<typeof entry>;

/** Characters of what a verdict says. */
const SAID = 300;

/** What was said of a response as it counts: by a grader, or by the rules, by which one that was cut off is not right. */
function verdictOf({ verdict, reparsed, grade, finish_reason: reason }: Entry): LiveSample['verdict'] {
  if (grade)
    return {
      ...{ right: grade.correct, by: grade.by.slice(0, SAID), reason: grade.reason.slice(0, SAID) },
      extracted: grade.extracted?.slice(0, SAID) ?? null,
    };
  if (!verdict) return undefined;
  return {
    right: (reparsed ?? verdict.correct) && !isCutOff(reason),
    extracted: verdict.extracted?.slice(0, SAID) ?? null,
    reason: verdict.reason.slice(0, SAID),
  };
}

export class FollowedResponses {
  #folder: FoundFolder;
  readonly #journal: TailedFile;
  #rows: number | undefined;
  #done = 0;
  #graded = { right: 0, of: 0 };
  #samples: LiveSample[] = [];
  /** How many there were at times. */
  #counts: { time: number; done: number }[] = [];

  constructor(folder: FoundFolder) {
    this.#folder = folder;
    this.#journal = new TailedFile(join(folder.dir, JOURNAL));
  }

  /** Reads what has come. @param now milliseconds since 1970 */
  poll(folder: FoundFolder, now: number): void {
    this.#folder = folder;
    const reset = () => {
      this.#rows = undefined;
      this.#done = 0;
      this.#graded = { right: 0, of: 0 };
      this.#samples = [];
      this.#counts = [];
    };
    const { hasRead } = this.#journal.poll({ reset, line: this.#take });
    if (hasRead || this.#counts.length === 0) this.#counts.push({ time: now, done: this.#done });
    while (this.#counts.length > 2 && this.#counts[1]!.time < now - WINDOW_MS) this.#counts.shift();
  }

  readonly #take = (line: string): void => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return;
    }
    this.#rows ??= header.safeParse(value).data?.problems.rows;
    const { data } = entry.safeParse(value);
    if (!data) return;
    this.#done++;
    const verdict = verdictOf(data);
    if (verdict) {
      this.#graded.of++;
      if (verdict.right) this.#graded.right++;
    }
    const { id, text, finish_reason: finishReason, completion_tokens: tokens } = data;
    this.#samples.unshift({
      ...{ problem: `problem ${id.problem}, sample ${id.sample}`, finishReason: finishReason.slice(0, 100) },
      ...{ text: text.slice(0, CHARACTERS), length: text.length, tokens: tokens ?? null },
      ...(verdict && { verdict }),
    });
    this.#samples.length = Math.min(this.#samples.length, SHOWN);
  };

  activity(now: number): Activity {
    const planned = this.#planned();
    const [first, last] = [this.#counts[0], this.#counts.at(-1)];
    const rate =
      first && last && last.time > first.time ? (last.done - first.done) / (last.time - first.time) : 0;
    return activityOf(this.#folder, now, {
      ...{ unit: 'response', done: this.#done, planned, changed: this.#journal.changed },
      secondsLeft: planned === null || rate <= 0 ? null : Math.max(0, planned - this.#done) / rate / 1000,
      samples: this.#samples,
      ...(this.#graded.of > 0 && { graded: { ...this.#graded } }),
      finished: join(this.#folder.dir, 'summary.json'),
    });
  }

  /** Responses that there are to be. */
  #planned(): number | null {
    const { skip, count, samples, until_right: most } = settingsOf(this.#folder.record);
    if (this.#rows === undefined || typeof samples !== 'number' || typeof most === 'number') return null;
    const rows = Math.max(0, this.#rows - (typeof skip === 'number' ? skip : 0));
    return samples * (typeof count === 'number' ? Math.min(count, rows) : rows);
  }
}
