import { openDevice } from '../../src/torch/runtime.js';
import { messageOf } from '../../src/util/errors.js';

/** The GPU of the tests that need one. */
export const device = 'cuda:0';

/** Why there is none; undefined where there is one. */
export const absent = (() => {
  try {
    openDevice(device);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
})();
if (absent !== undefined) console.warn(`skipped: the CUDA tests (${absent})`);
