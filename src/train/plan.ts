/** @file Plans a run's optimizer steps from the recipe and the number of rows, and refuses a run that would train nothing. */
import { UserError } from '../util/errors.js';
import { stepsPerEpoch, type DataOrder } from './dataOrder.js';
import { idleSteps, type Schedule } from './schedule.js';
import { MAX_STEPS, type TrainRecipe } from './settings.js';

export interface StepPlan {
  order: DataOrder;
  stepsPerEpoch: number;
  /** Optimizer steps of the whole run. */
  steps: number;
  schedule: Schedule;
  /** Updates of earlier stages, which the schedule counts too. */
  updatesBefore: number;
  /** Steps whose learning rate is 0: they are computed and change nothing. */
  idle: number;
}

type Planned = Pick<
  TrainRecipe,
  'data' | 'batch_size' | 'epochs' | 'max_steps' | 'seed' | 'schedule' | 'optimizer'
>;

/**
 * Counts the steps of a run over `rows` rows.
 * @param updatesBefore updates of the stages that it continues
 * @throws UserError where the epochs make less than one step or too many, the schedule is too short, or every step has
 * learning rate 0
 */
export function planSteps(recipe: Planned, rows: number, updatesBefore = 0): StepPlan {
  const { data, batch_size: batchSize, epochs = 1, max_steps: maxSteps, seed } = recipe;
  const order = { rows, batchSize, seed };
  const perEpoch = stepsPerEpoch(order);
  if (maxSteps === undefined) {
    const asked = `${data}: epochs ${epochs} of ${rows} rows in steps of batch_size ${batchSize}`;
    if (epochs * perEpoch < 1)
      throw new UserError(`${asked} make less than one step: raise epochs, or give max_steps instead.`);
    if (epochs * perEpoch > MAX_STEPS)
      throw new UserError(
        `${asked} make more than the ${MAX_STEPS} steps that a run can have: lower epochs.`,
      );
  }
  const steps = maxSteps ?? Math.ceil(epochs * perEpoch);
  const {
    warmup_ratio: warmupRatio,
    decay,
    total_steps: totalSteps = updatesBefore + steps,
  } = recipe.schedule;
  if (totalSteps < updatesBefore + steps)
    throw new UserError(
      `schedule.total_steps is ${totalSteps}, and the run ends with step ${updatesBefore + steps}` +
        `${updatesBefore > 0 ? ` (${updatesBefore} of them in the stages before)` : ''}: raise it.`,
    );
  const schedule = { peak: recipe.optimizer.lr, totalSteps, warmupRatio, decay };
  const idle = updatesBefore > 0 ? 0 : idleSteps(schedule);
  if (idle === steps)
    throw new UserError(
      `${data}: the run would have one step (${rows} rows, batch_size ${batchSize}), and its learning rate would be 0, ` +
        `where the warm-up begins: nothing would be trained. Set schedule.warmup_ratio to 0, or make more steps with a ` +
        `smaller batch_size or more epochs or max_steps.`,
    );
  return { order, stepsPerEpoch: perEpoch, steps, schedule, updatesBefore, idle };
}
