import type { Role } from '../objectives/objective.js';
import { severityOf, type Finding, type Severity } from './findings.js';
import type { Specimen } from './specimen.js';

/** What the doctor says of one row. */
export interface RowVerdict {
  line: number;
  /** Where the row has one. */
  original_index?: number;
  verdict: 'ok' | Severity;
  problems: (Finding & { severity: Severity })[];
  /** Tokens before and in each answer; absent where the row cannot be tokenised. */
  tokens?: { role: Role; prompt: number; trained: number }[];
  /** Whether training would take the row, or leave it out as too long. */
  fate?: 'fits' | 'dropped';
}

export function verdictOf(
  line: number,
  fields: Record<string, unknown>,
  findings: readonly Finding[],
  specimen?: Specimen,
): RowVerdict {
  const problems = findings.map((found) => ({ ...found, severity: severityOf(found.code) }));
  const worst = problems.some(({ severity }) => severity === 'error') ? 'error' : 'warning';
  const { original_index: index } = fields;
  return {
    line,
    ...(typeof index === 'number' && { original_index: index }),
    verdict: problems.length === 0 ? 'ok' : worst,
    problems,
    ...(specimen && {
      tokens: specimen.sides.map(({ role, row: { ids, responseStart } }) => ({
        role,
        prompt: responseStart,
        trained: ids.length - responseStart,
      })),
      fate: problems.some(({ code }) => code === 'too-long') ? 'dropped' : 'fits',
    }),
  };
}
