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
  options: { dtype: ComputeDtype; device: string } & Pick<LoadOptions, 'exact' | 'onNotice'>,
): OpenedGenerator {
  setThreads();
  openDevice(options.device);
  const tokenizer = ChatTokenizer.load(dir);
  const { model } = loadModel(dir, options);
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
