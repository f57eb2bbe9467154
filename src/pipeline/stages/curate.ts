/** @file The stage and command `curate`: trace rows to D_SFT and D_Pref. */
import { curateSettings } from '../../curate/settings.js';
import { modelInput, resolveModel } from '../../hub/resolve.js';
import { defineStage } from './stage.js';

export const curateStage = defineStage({
  summary: 'Makes D_SFT and D_Pref of trace rows, by rules that have names.',
  schema: curateSettings,
  inputs: ({ data, model, decontaminate }) => [
    ...[data].flat(),
    ...(model === undefined ? [] : [modelInput(model)]),
    ...decontaminate,
  ],
  result: (_, dir) => dir,
  run: async (settings, { out, progress, signal }) => {
    const { curate } = await import('../../curate/curate.js');
    const { model: name } = settings;
    const model = name === undefined ? undefined : await resolveModel(name, progress);
    const summary = await curate({ ...settings, model }, out, progress, signal);
    for (const hint of summary.hints) progress.log(`hint: ${hint}`);
    return summary;
  },
  describe: ({ account }) => account.join('\n'),
});
