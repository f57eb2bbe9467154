/** @file What says that a command has come to its end: the file, or the folder of a model, that it puts in place last. */
import { stageKinds } from '../../pipeline/stages/index.js';
import { FINISHED } from '../../train/stateFolder.js';
import { own } from '../../util/own.js';

/** Of commands that leave several files; of others it is the only one. */
const LAST: Readonly<Record<string, string>> = {
  ...{ collect: 'summary.json', curate: 'summary.json', doctor: 'summary.json', evaluate: 'summary.json' },
  ...{ train: FINISHED, get: 'model', choose: 'choice.json', compare: 'compare.json' },
  ...{ benchmark: 'benchmarks.json', study: 'study.json' },
};

/** The name of that within a command's folder; undefined where a command has none. */
export const resultOf = (command: string): string | undefined =>
  own(LAST, command) ?? (own(stageKinds, command) as { file?: string } | undefined)?.file;
