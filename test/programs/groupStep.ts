// The gradients of one row of samples with a small random model whose activations take far more than its weights; sends the bytes
// that they add to what the process had before.
import { parseConfig } from '../../src/models/config.js';
import { createObjective } from '../../src/objectives/index.js';
import { memoryStats, seed, setThreads } from '../../src/torch/runtime.js';
import { Engine } from '../../src/train/engine.js';
import type { TrainSequence } from '../../src/train/sequences.js';
import { stepByPacks } from '../../src/train/step.js';
import { RandomStudent } from '../../bench/randomModel.js';

/** A row of `samples`, each of `tokens` tokens. */
export interface GroupStep {
  objective: string;
  samples: number;
  tokens: number;
  tokenBudget: number;
}

const vocabulary = 512;
const shapes = {
  ...{ model_type: 'llama', vocab_size: vocabulary, tie_word_embeddings: true },
  ...{ hidden_size: 128, intermediate_size: 512, num_hidden_layers: 6 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2 },
};
const given = JSON.parse(process.argv[2]!) as GroupStep;
const collect = (globalThis as unknown as { gc: () => void }).gc;

setThreads(1);
seed(1);
const objective = createObjective({ name: given.objective });
using student = new RandomStudent(parseConfig(shapes, 'groupStep.ts'), 'cpu', 'f32');
using engine = new Engine(student.weights);

function sample(length: number, place: number): TrainSequence {
  const column = new Float64Array(length - 1).fill(-6);
  return {
    ...{ role: 'sample', group: 0, length: length - 1, scalars: { reward: place % 2 === 0 ? 1 : -1 } },
    row: { ids: Int32Array.from({ length }, (_, t) => (7 * t + place) % vocabulary), responseStart: 1 },
    columns: { behaviour: column, teacher: column },
  };
}

/** Node's own garbage goes before each pack: wrappers of tensors, some megabytes. */
async function step(sequences: readonly TrainSequence[]): Promise<void> {
  const packs = stepByPacks(engine, objective, sequences, given.tokenBudget);
  while (!packs.next().done) {
    await new Promise((resolve) => setImmediate(resolve)); // as the trainer does
    collect();
  }
}

// What is taken once is there before.
await step([sample(8, 0)]);
const before = memoryStats('cpu').allocated;
await step(Array.from({ length: given.samples }, (_, place) => sample(given.tokens, place)));
process.send!(memoryStats('cpu').peakAllocated - before);
