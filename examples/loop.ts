/**
 * @file The training loop on one screen: one pass of REDI over a file of pairs, with the public API alone.
 *
 *     npx tsx examples/loop.ts MODEL_DIR PAIRS.jsonl OUT
 *
 * MODEL_DIR is a model directory (`redistill models get smollm2-135m` makes one), each line of PAIRS.jsonl has prompt,
 * chosen and rejected, and OUT becomes the trained model's directory. `redistill train` takes the same steps, and also
 * checks the data, warms up, packs rows by a token budget (`runStep`), and writes metrics and checkpoints.
 */

import { existsSync } from 'node:fs';
import { readTrainingRecords } from 'redistill/data';
import { loadModel, saveModel } from 'redistill/models';
import { checkRows, linearObjective, stepOf } from 'redistill/objectives';
import { ChatTokenizer, sidesOf, tokenSide } from 'redistill/text';
import { clipFactor, globalNorm, setThreads } from 'redistill/torch';
import { Engine, stepRows, stepsPerEpoch, TrainableWeights } from 'redistill/train';

const ALPHA = 0.8;
const LEARNING_RATE = 1e-5;
const MAX_GRAD_NORM = 1;

const [modelDir, pairsFile, out] = process.argv.slice(2);
if (!modelDir || !pairsFile || !out)
  throw new Error('usage: npx tsx examples/loop.ts MODEL_DIR PAIRS.jsonl OUT');
if (existsSync(out)) throw new Error(`${out} exists already: name a new folder`);

/** The loss. An objective is any pure function of log-probs; this one has a constant slope in each (src/objectives). */
const redi = linearObjective(
  { name: 'redi', formula: `−mean logp(y_w) + ${ALPHA}·mean logp(y_l), mean over pairs`, data: 'pairs' },
  ({ role, length }, { pairs }) => (role === 'rejected' ? ALPHA : -1) / (length * pairs),
);

// Read and tokenise: a pair becomes two sequences of token ids with the place where the response begins.
const tokenizer = ChatTokenizer.load(modelDir);
const records = await readTrainingRecords(pairsFile);
checkRows(redi, records, pairsFile);
const examples = await Promise.all(
  records.map(async (record) => {
    const where = (message: string) => new Error(`${pairsFile}, line ${record.line}: ${message}`);
    const sides = sidesOf(record, redi.data).map(async (side) => {
      const row = await tokenSide(tokenizer, side, { layout: 'template' }, where);
      return { role: side.role, group: record.line, length: row.ids.length - row.responseStart, row };
    });
    return Promise.all(sides);
  }),
);

// Load: float32 masters and gradients, the model that computes ('bf16' is faster), the optimizer.
setThreads();
const loaded = loadModel(modelDir, { dtype: 'f32' });
using weights = new TrainableWeights(loaded.model, 'f32');
using engine = new Engine(weights);
const grads = [...weights.grads.values()];
using optimizer = weights.optimizer({
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
});

// Train: a step's gradient is summed pair by pair, since the objective divides by the counts of the whole step.
const order = { rows: examples.length, batchSize: 8, seed: 42 };
for (let step = 0; step < stepsPerEpoch(order); step++) {
  const pairs = stepRows(step, order).map((row) => examples[row]!);
  const whole = stepOf(pairs.flat());
  let loss = 0;
  for (const sequences of pairs) {
    const activations = engine.forward(sequences.map(({ row }) => row));
    const evaluation = redi.evaluate({ sequences, step: whole, logps: engine.score(activations) });
    engine.backward(activations, evaluation.gradient);
    loss += evaluation.loss;
  }
  const norm = globalNorm(grads);
  weights.update(optimizer, LEARNING_RATE, clipFactor(norm, MAX_GRAD_NORM));
  process.stdout.write(`step ${step + 1}: loss ${loss.toFixed(6)}, gradient norm ${norm.toFixed(6)}\n`);
}

saveModel(loaded, out, weights.masters);
