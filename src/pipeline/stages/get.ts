import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { getModel } from '../../hub/get.js';
import { defineStage } from './stage.js';

/** A model directory from wherever the name says; the result is a link to it. */
export const getStage = defineStage({
  schema: z.strictObject({
    /** What `redistill models get` takes. */
    model: z.string().min(1),
  }),
  inputs: () => [],
  result: (_, dir) => join(dir, 'model'),
  run: async ({ model }, { dir, progress }) => {
    const { path } = await getModel(model, { progress });
    symlinkSync(resolve(path), join(dir, 'model'));
    progress.log(path);
  },
});
