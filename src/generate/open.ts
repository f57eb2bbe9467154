/** @file Loads a model directory for decoding. */
import { loadModel, type LoadOptions } from '../models/checkpoint.js';
import type { Transformer } from '../models/transformer.js';
import { openDevice, setThreads, trimMemory } from '../torch/runtime.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { Generator } from './generator.js';

export interface OpenedGenerator extends Disposable {
  model: Transformer;
  tokenizer: ChatTokenizer;
  generator: Generator;
}

/** Loads a model directory for generation; `using` frees the model. */
export function openGenerator(
  dir: string,
  { dtype, device, onNotice }: { dtype: ComputeDtype; device: string; onNotice?: LoadOptions['onNotice'] },
): OpenedGenerator {
  setThreads();
  openDevice(device);
  const tokenizer = ChatTokenizer.load(dir);
  const { model } = loadModel(dir, { dtype, device, onNotice });
  return {
    model,
    tokenizer,
    generator: new Generator(model, tokenizer),
    [Symbol.dispose]: () => {
      model[Symbol.dispose]();
      trimMemory();
    },
  };
}
