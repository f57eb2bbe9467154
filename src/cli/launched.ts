/** @file What a command does that a launcher has started several times. */
import { UserError } from '../util/errors.js';

/** Commands that compute with a model, and do not divide what they do. */
const ALONE = new Set('collect columns score generate serve evaluate run study benchmark'.split(' '));

/** @throws UserError where a launcher has started several processes, each of which would do the same, into the same files */
export function refuseLaunched(command: string, { RANK, WORLD_SIZE }: NodeJS.ProcessEnv = process.env): void {
  if (RANK === undefined || !(Number(WORLD_SIZE) > 1) || !ALONE.has(command)) return;
  const trains = command === 'run' || command === 'study' ? '; --nproc has its training in several' : '';
  throw new UserError(
    `${command}: a launcher has started ${WORLD_SIZE} processes (WORLD_SIZE), and only \`redistill train\` divides its work among them: start one, without that variable (env -u WORLD_SIZE)${trains}`,
  );
}
