/** @file Opens the objective that a record names, of which a report runs no code that is not redistill's. */
import { openObjective } from '../../objectives/index.js';
import type { Objective } from '../../objectives/objective.js';

/** Whether anything in a setting names a module: whoever wrote the record would have its code run by who reads the report. */
function namesModule(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, part]) => key === 'module' || namesModule(part));
}

/**
 * Opens an objective as it stands in a record.
 * @returns why it is not opened, as the end of a sentence, where it is not
 */
export async function recordedObjective(value: unknown): Promise<Objective | string> {
  if (namesModule(value)) return 'its objective is a module of its own, which a report does not run';
  try {
    return await openObjective(value as Parameters<typeof openObjective>[0]);
  } catch {
    return 'its objective is not one of this version';
  }
}
