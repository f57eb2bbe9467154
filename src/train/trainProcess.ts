/** @file Is the entry point of the training process. */

import { runProcess } from './process.js';

runProcess();
