/** @file Loads a model directory for decoding. */
import { loadModel, type LoadOptions } from '../models/checkpoint.js';
import type { Transformer } from '../models/transformer.js';
import { openDevice, setThreads, trimMemory } from '../torch/runtime.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { Generator } from './generator.js';
import { requireOneVocabulary } from './vocabulary.js';

export interface OpenedGenerator extends Disposable {
  model: Transformer;
  tokenizer: ChatTokenizer;
  generator: Generator;
}

/** What rules call the second model. */
const HELPER = 'helper';

/**
 * Loads a model directory for generation; `using` frees the model.
 * @param options.helper the directory of a second model of the same vocabulary, to which rules may hand a response over
 * @throws UserError for a directory that is none, and for a helper of another vocabulary
 */
export function openGenerator(
  dir: string,
  {
    helper,
    ...options
  }: { dtype: ComputeDtype; device: string; helper?: string | undefined } & Pick<
    LoadOptions,
    'exact' | 'onNotice'
  >,
): OpenedGenerator {
  setThreads();
  openDevice(options.device);
  const tokenizer = ChatTokenizer.load(dir);
  if (helper !== undefined) requireOneVocabulary(dir, helper);
  const { model } = loadModel(dir, options);
  const others = new Map<string, Transformer>();
  const dispose = () => {
    for (const one of [model, ...others.values()]) one[Symbol.dispose]();
    trimMemory();
  };
  try {
    if (helper !== undefined) others.set(HELPER, loadModel(helper, options).model);
  } catch (error) {
    dispose();
    throw error;
  }
  const generator = new Generator(model, tokenizer, others);
  return { model, tokenizer, generator, [Symbol.dispose]: dispose };
}
