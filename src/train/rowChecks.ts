/** @file Checks rows as tokens against what an objective asks of them. */
import { rowError } from '../data/jsonl.js';
import { columnFault, type Objective, type Role, type SequenceInfo } from '../objectives/objective.js';
import { trainedWeights } from '../text/parts.js';
import type { TokenRow } from '../text/tokenRows.js';
import { UserError } from '../util/errors.js';

/** What is looked at of a response. */
interface Part {
  readonly role: Role;
  readonly row: TokenRow;
  readonly responseLength: number;
  /** It is the response of another row, and only scored. */
  readonly onlyScored?: boolean;
}
interface Example {
  readonly line: number;
  readonly parts: readonly Part[];
}

/** The numbers that a row gives a response; the sides of a pair have the rewards 1 and −1 where it gives none. */
export function scalarsOf(role: Role, { scalars }: TokenRow): TokenRow['scalars'] {
  const reward = role === 'chosen' ? 1 : role === 'rejected' ? -1 : undefined;
  return reward === undefined ? scalars : { reward, ...scalars };
}

/** Refuses rows without the columns that the objective needs. @throws UserError naming the first */
export function checkColumns(examples: Iterable<Example>, objective: Objective, path: string): void {
  if (Object.keys(objective.needs).every((name) => name === 'reference')) return;
  for (const { line, parts } of examples)
    for (const { role, row, responseLength, onlyScored } of parts) {
      const held = { ...row, role, scalars: scalarsOf(role, row), tokenWeights: trainedWeights(row) };
      const fault = onlyScored ? undefined : columnFault(objective, held, responseLength);
      if (fault !== undefined) throw rowError(path, line, fault);
    }
}

/** Refuses a row of which a term sees one side of a pair alone, and rows of which one sees nothing. @throws UserError naming it */
export function checkTerms(examples: Iterable<Example>, { terms = [] }: Objective, path: string): void {
  const unseen = new Set(terms);
  const roles = new Set<Role>();
  for (const { line, parts } of terms.length === 0 ? [] : examples) {
    const own = parts.filter(({ onlyScored }) => !onlyScored).map(infoOf);
    for (const { role } of own) roles.add(role);
    for (const term of terms) {
      const seen = own.filter((sequence) => term.sees(sequence));
      if (seen.length > 0) unseen.delete(term);
      const isWhole = ['chosen', 'rejected'].every((side) => seen.some(({ role }) => role === side));
      if (term.ofPairs && !isWhole)
        throw rowError(
          path,
          line,
          `the term ${term.name} compares both sides of a pair, and of this row it sees ${seen.map(({ role }) => role).join(', ') || 'nothing'}`,
        );
    }
  }
  for (const { name } of unseen)
    throw new UserError(
      `${path}: the term ${name} sees nothing of any row; there are the roles ${[...roles].join(', ')}. Look at its roles, segments and "by".`,
    );
}

/** A response by what is known of it before the forward pass. */
function infoOf({ role, row, responseLength }: Part): SequenceInfo {
  const tokenWeights = trainedWeights(row);
  return {
    ...{ role, group: 0, length: responseLength },
    ...(tokenWeights && { tokenWeights, weight: tokenWeights.reduce((sum, w) => sum + Math.abs(w), 0) }),
    ...(row.segments && { segments: row.segments }),
    ...(row.columns && { columns: row.columns }),
  };
}
