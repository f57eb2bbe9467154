/** @file What the ranks but the first do: their share of every step, with what rank 0 has told them to prepare. They write nothing. */
import { setImmediate } from 'node:timers/promises';
import { openObjective } from '../objectives/index.js';
import { deterministically, seed, setThreads } from '../torch/runtime.js';
import { scope } from '../torch/tensor.js';
import { Engine } from './engine.js';
import { prepareExamples } from './examples.js';
import { openTrained } from './openModel.js';
import { planSteps } from './plan.js';
import { adamwOptions } from './settings.js';
import { RankStopped, type Order, type Ranks } from './ranks.js';
import { takeReference } from './reference.js';
import { loadState, readState, wholeOf } from './state.js';
import { NotFinite, Stepper } from './stepper.js';
import { openWatched } from './watch/open.js';
import { UserError } from '../util/errors.js';
import { TrainableWeights } from './weights.js';

type Prepare = (Order & { kind: 'prepare' })['of'];

const silent = (): void => undefined;

/**
 * Does what rank 0 orders until it says that the run has ended.
 * @param signal ends a step before its next pack; rank 0 then saves what is to be saved
 */
export async function follow(ranks: Ranks, signal: AbortSignal): Promise<void> {
  const order = ranks.nextOrder();
  if (order.kind === 'end') return;
  if (order.kind !== 'prepare') throw new Error(`rank ${ranks.rank}: the first order is ${order.kind}`);
  const work = () => obey(order.of, ranks, signal);
  await (order.of.recipe.deterministic ? deterministically(work) : work());
}

async function obey(given: Prepare, ranks: Ranks, signal: AbortSignal): Promise<void> {
  const { recipe, build, updatesBefore } = given;
  const { token_budget: tokenBudget } = recipe;
  setThreads();
  ranks.openDevice(recipe.device);
  seed(recipe.seed);
  const objective = await openObjective(recipe.objective);
  using all = (await prepareExamples(recipe, objective, silent, silent)).examples;
  using watched = await openWatched(recipe, objective, all, { onRows: silent, onNotice: silent });
  const { examples, heldOut } = watched;
  const tokens = [examples, heldOut ?? examples].map(({ file }) => file.digest);
  if (tokens.join() !== given.tokens.join())
    throw new UserError(
      `rank ${ranks.rank} reads other rows than rank 0: ${recipe.data}, or its tokenizer, is not the same at both`,
    );
  using weights = new TrainableWeights(openTrained(recipe, recipe.model, silent).model, recipe.dtype, {
    ranks,
  });
  using engine = new Engine(weights, recipe.recompute);
  using optimizer = weights.optimizer(adamwOptions(recipe.optimizer));
  const turn = () => setImmediate(); // for messages and finalizers
  const beforePack = async (): Promise<void> => {
    await turn();
    signal.throwIfAborted();
  };
  const stepper = new Stepper({
    ...{ recipe, tokenBudget, engine, optimizer, objective, examples, beforePack },
    plan: planSteps(recipe, examples.length, updatesBefore),
    beforeUpdate: () => Promise.resolve(),
    onNotice: silent,
    remedy: () => Promise.resolve(''),
  });
  const trained = { weights, optimizer };
  for (;;) {
    const { kind, of } = ranks.nextOrder();
    if (kind === 'end') return;
    else if (kind === 'reference')
      await takeReference(examples, {
        ...{ recipe, engine, objective, tokenBudget, build, beforePack: turn },
        onEvent: silent,
      });
    else if (kind === 'load') loadState(readState(of.folder), trained);
    else if (kind === 'know') stepper.know(of);
    else if (kind === 'give') scope(() => wholeOf(trained, of));
    else if (kind === 'step') await takePart(stepper, of, signal);
  }
}

/** Takes part in a step. That it was ended, or is one too many that is not finite, rank 0 knows as well and says what comes next. */
async function takePart(
  stepper: Stepper,
  { step, last }: (Order & { kind: 'step' })['of'],
  signal: AbortSignal,
): Promise<void> {
  try {
    await stepper.run(step, last);
  } catch (error) {
    if (error !== signal.reason && !(error instanceof RankStopped || error instanceof NotFinite)) throw error;
    stepper.parts.engine.weights.zeroGrads();
  }
}
