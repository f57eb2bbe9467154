/** @file Converts a GGUF file into a model directory. */
import { basename, join } from 'node:path';
import { requireSpace } from '../../fetch/disk.js';
import { makeFolder } from '../../util/folders.js';
import { writeFileAtomic } from '../../util/files.js';
import { writeSafetensors } from '../../torch/safetensorsFormat.js';
import { makeConfig, makeGenerationConfig, readShape } from './config.js';
import { readGguf, readGgufTensor } from './file.js';
import { nameTensors } from './tensorNames.js';
import { makeTokenizer } from './tokenizer.js';
import { changeWeights } from './weightChanges.js';

/**
 * Writes the model of a GGUF file as a Hugging Face directory: float32 weights with the values of the file's blocks,
 * configuration, tokenizer and chat template. One tensor at a time is in memory.
 * @param onProgress receives the number of weights written so far and the total
 * @throws UserError for a damaged file, an unknown architecture, quantization type or tokenizer
 */
export async function convertGguf(
  path: string,
  directory: string,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const gguf = await readGguf(path);
  const shape = readShape(gguf);
  const config = makeConfig(gguf, shape);
  const tensors = nameTensors(gguf, shape.blocks);
  const tokenizer = makeTokenizer(gguf.metadata);

  const sizes = tensors.map(({ tensor }) => tensor.shape.reduce((product, size) => product * size, 1));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  makeFolder(directory);
  requireSpace(directory, total * 4, `converting ${basename(path)}`);
  const writeJson = (name: string, value: unknown, indent?: number): void => {
    writeFileAtomic(join(directory, name), `${JSON.stringify(value, null, indent)}\n`);
  };
  writeJson('config.json', config, 2);
  writeJson('generation_config.json', makeGenerationConfig(gguf, shape), 2);
  writeJson('tokenizer.json', tokenizer.tokenizer);
  writeJson('tokenizer_config.json', tokenizer.config, 2);
  if (tokenizer.chatTemplate !== undefined) {
    writeFileAtomic(join(directory, 'chat_template.jinja'), tokenizer.chatTemplate);
  }

  const heads = { query: shape.queryHeads, key: shape.keyHeads };
  let done = 0;
  writeSafetensors(
    join(directory, 'model.safetensors'),
    tensors.map(({ name, tensor, change }, index) => ({
      name,
      dtype: 'F32',
      shape: tensor.shape,
      bytes: () => {
        const weights = changeWeights(readGgufTensor(tensor), tensor.shape[0]!, change, heads, 'from GGUF');
        done += sizes[index]!;
        onProgress?.(done, total);
        return new Uint8Array(weights.buffer);
      },
    })),
    { format: 'pt' },
  );
}
