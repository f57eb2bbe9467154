/** @file Makes the verdict on one row from its findings. */

import type { Role } from '../objectives/objective.js';
import { plainNumber } from '../util/exactJson.js';
import type { PreparedRow } from './check.js';
import { severityOf, type Finding, type Severity } from './findings.js';

/** The doctor's verdict on one row. */
export interface RowVerdict {
  line: number;
  /** The row's own, if it has one. */
  original_index?: number;
  verdict: 'ok' | Severity;
  problems: (Finding & { severity: Severity })[];
  /** Tokens before and in each response; absent if the row cannot be tokenised. */
  tokens?: { role: Role; prompt: number; trained: number }[];
  /** Whether training would take the row, or leave it out as too long. */
  fate?: 'fits' | 'dropped';
}

export function verdictOf(
  line: number,
  fields: Record<string, unknown>,
  findings: readonly Finding[],
  row?: PreparedRow,
): RowVerdict {
  const problems = findings.map((found) => ({ ...found, severity: severityOf(found.code) }));
  const worst = problems.some(({ severity }) => severity === 'error') ? 'error' : 'warning';
  const index = plainNumber(fields.original_index);
  return {
    line,
    ...(index !== undefined && { original_index: index }),
    verdict: problems.length === 0 ? 'ok' : worst,
    problems,
    ...(!row && problems.some(({ code }) => code === 'too-long') && { fate: 'dropped' }),
    ...(row && {
      tokens: row.sides.map(({ role, row: { ids, responseStart } }) => ({
        role,
        prompt: responseStart,
        trained: ids.length - responseStart,
      })),
      fate: problems.some(({ code }) => code === 'too-long') ? 'dropped' : 'fits',
    }),
  };
}
