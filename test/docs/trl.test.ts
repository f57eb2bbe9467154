import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { program } from '../../src/cli/program.js';
import { objectiveDefinitions } from '../../src/objectives/index.js';
import { describeKeys } from '../../src/recipe/describe.js';
import { trainRecipe } from '../../src/train/settings.js';
import { root } from './pages.js';

const options = JSON.parse(readFileSync(`${root}test/fixtures/trl-options.json`, 'utf8')) as Record<
  string,
  Record<string, string | null>
>;
const page = readFileSync(`${root}docs/guide/from-trl.md`, 'utf8');

/** The rows of a section's table: what its first two cells name in code. */
function mapped(section: string): { trl: string[]; own: string[] }[] {
  const [, text] = new RegExp(`\\n## ${section}\\n([^]*?)(?=\\n## |$)`).exec(page)!;
  const names = (cell: string) => Array.from(cell.matchAll(/`([^`]*)`/g), ([, name]) => name!);
  return [...text!.matchAll(/^\| (`.*?) \| (.*?) \|/gm)].map(([, trl, own]) => ({
    trl: names(trl!),
    own: names(own!),
  }));
}

/** Keys of a training recipe, parameters of objectives, and flags of the commands. */
const keys = new Set([
  ...describeKeys(trainRecipe).map(({ path }) => path.join('.')),
  ...Array.from(objectiveDefinitions.values(), ({ parameters }) =>
    describeKeys(parameters).map(({ path }) => `objective.${path[0]!}`),
  ).flat(),
  ...program.commands.flatMap((command) => command.options.map(({ long }) => long)),
]);

test.each(Object.keys(options))(
  'every option of %s that is mapped is one, and so is what it is mapped to',
  (name) => {
    const rows = mapped(name);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.flatMap(({ trl }) => trl).filter((option) => !(option in options[name]!))).toEqual([]);
    expect(rows.flatMap(({ own }) => own).filter((key) => !keys.has(key) && key !== 'objective')).toEqual([]);
  },
);

/** Options of logging, of where files lie and of machines, which a recipe has no need to say. */
test.each(['SFTConfig', 'DPOConfig', 'KTOConfig', 'CPOConfig'])(
  '%s is mapped as far as its loss goes',
  (name) => {
    const told = [
      ...mapped(name),
      ...mapped('DPOConfig'),
      ...mapped('SFTConfig'),
      ...mapped('TrainingArguments'),
    ];
    const names = new Set(told.flatMap(({ trl }) => trl));
    const OTHERS =
      /^(model_init_kwargs|trust_remote_code|router_aux_loss_coef|dataset_num_proc|dataset_kwargs|pad_to_multiple_of|eval_packing|activation_offloading|precompute_ref_batch_size|generate_during_eval|is_encoder_decoder|max_completion_length|f_alpha_divergence_coef|ref_model_.*|sync_ref_model|alpha)$/;
    expect(
      Object.keys(options[name]!).filter((option) => !names.has(option) && !OTHERS.test(option)),
    ).toEqual([]);
  },
);
