import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { familyDir, familyNames } from '../../test/support/families.js';
import { toBytes } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { liveTensors, scope } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { removeKnown } from '../util/ownFolder.js';
import { companionFiles, savedFiles } from './modelFiles.js';
import { loadModel, namedTensors, saveModel, writeShards, type LoadedModel } from './checkpoint.js';
import { readSafetensorsHeader } from '../torch/safetensorsFormat.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let count = 0;
const fresh = (): string => join(root, String(count++));

/** A copy of a family's directory to damage. */
function copyOf(name: string): string {
  const dir = fresh();
  mkdirSync(dir);
  for (const file of readdirSync(familyDir(name))) copyFileSync(join(familyDir(name), file), join(dir, file));
  return dir;
}

function parametersOf({ model }: LoadedModel): Map<string, string> {
  return new Map(
    [...model.parameters].map(([name, tensor]) => [name, Buffer.from(toBytes(tensor)).toString('base64')]),
  );
}

const weightFiles = (dir: string): string[] =>
  readdirSync(dir)
    .filter((file) => file.startsWith('model'))
    .sort();

describe('loading and saving', () => {
  it.each(familyNames)('%s keeps every bit, and a second save the file', (name) => {
    const before = liveTensors();
    const loaded = loadModel(familyDir(name), { dtype: 'f32' });
    const [first, second] = [fresh(), fresh()];
    saveModel(loaded, first);
    const again = loadModel(first, { dtype: 'f32' });
    expect(parametersOf(again)).toEqual(parametersOf(loaded));
    expect(again.fileDtypes).toEqual(loaded.fileDtypes);
    saveModel(again, second);
    expect(weightFiles(first)).toEqual(['model.safetensors']);
    for (const file of readdirSync(first)) {
      expect(readFileSync(join(second, file)).equals(readFileSync(join(first, file)))).toBe(true);
    }
    // Where transformers wrote one file, it is the same file.
    const theirs = join(familyDir(name), 'model.safetensors');
    if (existsSync(theirs))
      expect(readFileSync(join(first, 'model.safetensors')).equals(readFileSync(theirs))).toBe(true);
    for (const { model } of [loaded, again]) model[Symbol.dispose]();
    expect(liveTensors()).toBe(before);
  });

  it('takes along the files beside the weights, also the template for tools, which is in a folder', () => {
    const [dir, out] = [copyOf('llama'), fresh()];
    mkdirSync(join(dir, 'additional_chat_templates'));
    for (const file of companionFiles) if (!existsSync(join(dir, file))) writeFileSync(join(dir, file), file);
    saveModel(loadModel(dir, { dtype: 'f32' }), out);
    for (const file of companionFiles)
      expect(readFileSync(join(out, file)).equals(readFileSync(join(dir, file))), file).toBe(true);
    removeKnown(out, savedFiles);
    expect(existsSync(out)).toBe(false);
  });

  it('writes the element types that the files had', () => {
    const loaded = loadModel(familyDir('llama-sharded-bf16'), { dtype: 'f32' });
    expect(new Set(loaded.fileDtypes.values())).toEqual(new Set(['bf16']));
    const out = fresh();
    saveModel(loaded, out);
    const { entries } = readSafetensorsHeader(join(out, 'model.safetensors'));
    expect(new Set(entries.map((entry) => entry.dtype))).toEqual(new Set(['BF16']));
    loaded.model[Symbol.dispose]();
  });

  it('takes other values for the parameters, as training does', () => {
    using model = loadModel(familyDir('qwen2'), { dtype: 'f32' }).model;
    const out = fresh();
    scope(() => {
      const doubled = new Map(
        [...model.parameters].map(([name, tensor]) => [name, ops.mulScalar(tensor, 2)]),
      );
      saveModel({ model, dir: familyDir('qwen2'), fileDtypes: new Map() }, out, doubled);
    });
    using saved = loadModel(out, { dtype: 'f32' }).model;
    scope(() => {
      for (const [name, tensor] of model.parameters) {
        expect(ops.equal(ops.mulScalar(tensor, 2), saved.parameter(name))).toBe(true);
      }
    });
  });

  it('writes shards with an index that are read back, and leaves no older weights beside them', () => {
    const loaded = loadModel(familyDir('gemma3'), { dtype: 'f32' });
    const out = copyOf('gemma3');
    const write = (limit?: number) => {
      scope(() => {
        writeShards(
          out,
          namedTensors(loaded.model.config, loaded.model.parameters, loaded.fileDtypes),
          limit,
        );
      });
    };
    write(50_000);
    const files = weightFiles(out);
    expect(files[0]).toMatch(/^model-00001-of-0000\d\.safetensors$/);
    expect(files).toContain('model.safetensors.index.json');
    expect(files).not.toContain('model.safetensors');
    const sharded = loadModel(out, { dtype: 'f32' });
    expect(parametersOf(sharded)).toEqual(parametersOf(loaded));
    const index = JSON.parse(readFileSync(join(out, 'model.safetensors.index.json'), 'utf8')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    expect(Object.keys(index.weight_map).sort()).toEqual([...loaded.fileDtypes.keys()].sort());
    write();
    expect(weightFiles(out)).toContain('model.safetensors');
    expect(weightFiles(out)).not.toContain('model.safetensors.index.json');
    for (const { model } of [loaded, sharded]) model[Symbol.dispose]();
  });
});

describe('a directory that is not whole', () => {
  const edit = (dir: string, file: string, change: (json: Record<string, unknown>) => void): void => {
    const json = JSON.parse(readFileSync(join(dir, file), 'utf8')) as Record<string, unknown>;
    change(json);
    writeFileSync(join(dir, file), JSON.stringify(json));
  };
  const load = (dir: string) => () => loadModel(dir, { dtype: 'f32' });
  const index = 'model.safetensors.index.json';

  it.each<[string, string, (dir: string) => void, string]>([
    [
      'no config',
      'llama',
      (dir) => {
        rmSync(join(dir, 'config.json'));
      },
      'config.json does not exist',
    ],
    [
      'broken config',
      'llama',
      (dir) => {
        writeFileSync(join(dir, 'config.json'), '{"a": ');
      },
      'config.json is not JSON',
    ],
    [
      'no weights',
      'llama',
      (dir) => {
        rmSync(join(dir, 'model.safetensors'));
      },
      'holds neither model.safetensors nor',
    ],
    [
      'another size',
      'llama',
      (dir) => {
        edit(dir, 'config.json', (c) => (c.intermediate_size = 96));
      },
      'tensor "model.layers.0.mlp.gate_proj.weight" has shape [80, 48], but config.json implies [96, 48]',
    ],
    ...[NaN, Infinity, 3e38, -1e20].map((value): [string, string, (dir: string) => void, string] => [
      `a value of ${value}`,
      'llama',
      (dir) => {
        const path = join(dir, 'model.safetensors');
        const bytes = readFileSync(path);
        const { entries, dataStart } = readSafetensorsHeader(path);
        const { begin } = entries.find(({ name }) => name === 'model.layers.1.mlp.down_proj.weight')!;
        bytes.writeFloatLE(value, dataStart + begin + 4 * 7);
        writeFileSync(path, bytes);
      },
      'tensor "model.layers.1.mlp.down_proj.weight" holds values that are not finite, or too large',
    ]),
    [
      'more than any machine has, in the config alone',
      'llama',
      (dir) => {
        edit(dir, 'config.json', (c) => (c.vocab_size = 2 ** 31 - 1));
      },
      'has shape [128, 48], but config.json implies [2147483647, 48]',
    ],
    [
      'a layer too many',
      'llama',
      (dir) => {
        edit(dir, 'config.json', (c) => (c.num_hidden_layers = 3));
      },
      'have no tensor "model.layers.2.input_layernorm.weight"',
    ],
    [
      'a layer too few',
      'llama',
      (dir) => {
        edit(dir, 'config.json', (c) => (c.num_hidden_layers = 1));
      },
      'tensor "model.layers.1.',
    ],
    [
      'cut off',
      'llama',
      (dir) => {
        const path = join(dir, 'model.safetensors');
        writeFileSync(path, readFileSync(path).subarray(0, -10));
      },
      'the download is incomplete',
    ],
    [
      'no weight map',
      'llama-sharded-bf16',
      (dir) => {
        edit(dir, index, (json) => delete json.weight_map);
      },
      'has no weight_map',
    ],
    [
      'a shard elsewhere',
      'llama-sharded-bf16',
      (dir) => {
        edit(
          dir,
          index,
          (json) => ((json.weight_map as Record<string, string>)['lm_head.weight'] = '../x.safetensors'),
        );
      },
      'puts lm_head.weight into "../x.safetensors"',
    ],
    [
      'a missing shard',
      'llama-sharded-bf16',
      (dir) => {
        rmSync(join(dir, 'model-00002-of-00003.safetensors'));
      },
      'model-00002-of-00003.safetensors',
    ],
    [
      'a tensor in another shard',
      'llama-sharded-bf16',
      (dir) => {
        edit(dir, index, (json) => {
          const map = json.weight_map as Record<string, string>;
          for (const name of Object.keys(map)) map[name] = 'model-00001-of-00003.safetensors';
        });
      },
      'there is no tensor',
    ],
  ])('%s is refused in a sentence', (_, name, damage, message) => {
    const before = liveTensors();
    const dir = copyOf(name);
    damage(dir);
    expect(load(dir)).toThrow(UserError);
    expect(load(dir)).toThrow(message);
    expect(liveTensors()).toBe(before);
  });

  it('does not exist', () => {
    expect(load(join(root, 'nowhere'))).toThrow(`model directory ${join(root, 'nowhere')} does not exist`);
  });
});
