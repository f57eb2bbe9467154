/** @file Is the entry point of the training thread. */

import { runWorker } from './worker.js';

await runWorker();
