import { join } from 'node:path';
import { z } from 'zod';
import { readEvaluation } from '../../evaluate/evaluate.js';
import { comparePaired, passAt1 } from '../../evaluate/statistics.js';
import { UserError } from '../../util/errors.js';
import { writeFileAtomic } from '../../util/files.js';
import { formatTable } from '../../util/table.js';
import { defineStage } from './stage.js';

const row = z.strictObject({
  /** Short, for the headings: A, B, … */
  name: z.string(),
  label: z.string(),
  /** An evaluate stage's result. */
  evaluation: z.string(),
});

/**
 * Evaluations side by side: pass@1 with its standard error, how many answers were cut off (which counts as wrong unless
 * the answer was there before), and every row's paired difference from the rows named in `against`. Pairing by problem
 * removes the problems' own difficulty, which is most of the error.
 */
export const tableStage = defineStage({
  schema: z.strictObject({
    rows: z.array(row).min(1),
    /** Names of the rows that the others are compared with. */
    against: z.array(z.string()).default([]),
    /** Printed under the table. */
    notes: z.array(z.string()).default([]),
  }),
  inputs: () => [],
  result: (_, dir) => join(dir, 'table.txt'),
  run: ({ rows, against, notes }, { dir, progress }) => {
    for (const name of against) {
      if (!rows.some((entry) => entry.name === name))
        throw new UserError(`the table has no row named "${name}" to compare with`);
    }
    const kept = new Map(rows.map(({ name, evaluation }) => [name, readEvaluation(evaluation)]));
    const points = (x: number) => (100 * x).toFixed(1);
    const signed = (x: number) => `${x < 0 ? '−' : '+'}${points(Math.abs(x))}`;
    const heading = ['', 'model', 'pass@1 %', 'cut off %', ...against.map((name) => `against ${name}`)];
    const cells = rows.map(({ name, label }) => {
      const { results, truncated } = kept.get(name)!;
      const { mean, standardError } = passAt1(results);
      return [
        name,
        label,
        `${points(mean)} ± ${points(standardError)}`,
        points(truncated),
        ...against.map((other) => {
          if (other === name) return '';
          const { difference, interval, pValue } = comparePaired(kept.get(other)!.results, results);
          const p = pValue < 0.001 ? 'p < .001' : `p = ${pValue.toFixed(3).replace(/^0/, '')}`;
          return `${signed(difference)} (${signed(interval[0])} to ${signed(interval[1])}, ${p})`;
        }),
      ];
    });
    const text = `${formatTable(heading, cells)}\n${notes.map((note) => `${note}\n`).join('')}`;
    writeFileAtomic(join(dir, 'table.txt'), text);
    progress.log(`\n${text}`);
    return Promise.resolve();
  },
});
