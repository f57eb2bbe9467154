/** @file The last value of a run's series. */
import { own } from '../../util/own.js';
import type { TrainingRun } from '../model.js';

/** To the last digit where the run says it, else as its curve has it. */
export const lastIn = ({ last, curves }: TrainingRun, name: string): number | undefined =>
  own(last, name) ??
  curves.series.find((series) => series.name === name)?.mean.findLast((value) => value !== null) ??
  undefined;
