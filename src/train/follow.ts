/** @file What the ranks but the first do: their share of every step, with what rank 0 has told them to prepare. They write nothing. */
import { setImmediate } from 'node:timers/promises';
import { openObjective } from '../objectives/index.js';
import { deterministically, seed, setThreads } from '../torch/runtime.js';
import { scope } from '../torch/tensor.js';
import { prepareExamples } from './examples.js';
import { identityOf, type RunIdentity } from './identity.js';
import { planSteps } from './plan.js';
import { RankStopped, type Order, type Ranks } from './ranks.js';
import { takeReference } from './reference.js';
import { loadState, readState, wholeOf } from './state.js';
import { NotFinite, Stepper } from './stepper.js';
import { openWatched } from './watch/open.js';
import { openTrainee } from './trainee.js';
import { UserError } from '../util/errors.js';

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
  const { recipe, identity, updatesBefore } = given;
  const { token_budget: tokenBudget } = recipe;
  setThreads();
  ranks.openDevice(recipe.device);
  seed(recipe.seed);
  requireSameInputs(identity, identityOf(recipe), ranks);
  const objective = await openObjective(recipe.objective);
  using all = (await prepareExamples(recipe, objective, silent, silent)).examples;
  using watched = await openWatched(recipe, objective, all, { onRows: silent, onNotice: silent });
  const { examples, heldOut } = watched;
  const tokens = [examples, heldOut ?? examples].map(({ file }) => file.digest);
  if (tokens.join() !== given.tokens.join())
    throw new UserError(
      `rank ${ranks.rank} makes other tokens of ${recipe.data} than rank 0: both run the same version of redistill`,
    );
  using trainee = openTrainee(recipe, { written: recipe.model, ranks, onNotice: silent });
  const { engine, optimizer } = trainee;
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
  for (;;) {
    const { kind, of } = ranks.nextOrder();
    if (kind === 'end') return;
    else if (kind === 'reference')
      await takeReference(examples, {
        ...{ recipe, engine, objective, tokenBudget, build: identity.build, beforePack: turn },
        onEvent: silent,
      });
    else if (kind === 'load') loadState(readState(of.folder), trainee);
    else if (kind === 'know') stepper.know(of);
    else if (kind === 'give') scope(() => wholeOf(trainee, of));
    else if (kind === 'step') await takePart(stepper, of, signal);
  }
}

/** @throws UserError where what the run follows from is not what rank 0 has, as it may be on another machine */
function requireSameInputs({ inputs: first }: RunIdentity, { inputs }: RunIdentity, { rank }: Ranks): void {
  const other = Object.keys(inputs).find((key) => inputs[key] !== first[key]);
  if (other !== undefined)
    throw new UserError(
      `${other} is not the same at rank ${rank} as at rank 0 (digest ${inputs[other]} here, ${first[other]} there): all ranks read the same files`,
    );
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
