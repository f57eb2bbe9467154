/** @file The stage and command `get`: a model directory from wherever a name says. */
import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { defineStage } from './stage.js';

export const getStage = defineStage({
  summary:
    'Gets a model from a Hugging Face hub, a GGUF file, a directory or a known name; the result is a link to it.',
  schema: z.strictObject({
    model: z
      .string()
      .min(1)
      .describe('smollm2-135m, owner/name[@revision] on a hub, a directory, or a .gguf file'),
  }),
  inputs: () => [],
  writes: ['model'],
  result: (_, dir) => join(dir, 'model'),
  run: async ({ model }, { out, progress }) => {
    const { getModel } = await import('../../hub/get.js');
    const { path } = await getModel(model, { progress });
    symlinkSync(resolve(path), join(out, 'model'));
    return { path };
  },
  describe: ({ path }) => path,
});
