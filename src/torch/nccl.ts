/** @file Gives process groups NCCL, for tensors on GPUs, from an addon of its own. */
import { createRequire } from 'node:module';
import { ncclAddonPath } from '../setup/record.js';
import { messageOf, UserError } from '../util/errors.js';

interface NcclAddon {
  addNccl: (group: string, timeoutSeconds: number) => void;
}

/**
 * Lets collectives of the group take CUDA tensors, each process on the device that is its own.
 * @throws UserError if the addon has not been compiled, does not load, or finds no GPU
 */
export function addNccl(group: string, timeoutSeconds: number): void {
  const path = ncclAddonPath();
  let addon: NcclAddon;
  try {
    addon = createRequire(import.meta.url)(path) as NcclAddon;
  } catch (error) {
    throw new UserError(
      `the addon for NCCL does not load (${messageOf(error)}): run \`redistill setup --nccl\` again`,
    );
  }
  try {
    addon.addNccl(group, timeoutSeconds);
  } catch (error) {
    throw new UserError(`NCCL cannot be used here: ${messageOf(error)}`);
  }
}
