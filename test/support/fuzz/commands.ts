import type { Random } from '../../../src/util/random.js';

/** A run of the command line and where it may write, relative to the working directory. */
export interface FuzzRun {
  args: string[];
  outputs: string[];
}

const FILES = [
  ...['problems.jsonl', 'traces.jsonl', 'pairs.jsonl', 'messages.jsonl', 'answers.jsonl', 'array.json'],
  ...[
    'pairs.jsonl.gz',
    'empty.jsonl',
    'blank.jsonl',
    'broken.jsonl',
    'nulls.jsonl',
    'types.jsonl',
    'deep.jsonl',
  ],
  ...['proto.jsonl', 'long.jsonl', 'escape.jsonl', 'utf16.jsonl', 'binary.bin', 'name with blank.jsonl'],
  ...[
    'weird\u001b[31m.jsonl',
    'folder',
    'hollow',
    'dangling',
    'circle',
    'link.jsonl',
    'nowhere.jsonl',
    '',
    '.',
  ],
  ...['/dev/null', 'model', 'model/config.json', 'train.yaml', 'a\0b', 'x'.repeat(300)],
];
const MODELS = [
  'model',
  './model/',
  'hollow',
  'folder',
  'nowhere',
  'pairs.jsonl',
  '',
  'model/model.safetensors',
  'a/b',
];
const OUTPUTS = [
  ...[
    'out',
    'out.jsonl',
    'out.parquet',
    'new/deep/out.jsonl',
    'hollow',
    'folder',
    '.',
    '',
    'pairs.jsonl',
    'link.jsonl',
  ],
  ...[
    'dangling',
    'circle',
    'model',
    'model/config.json',
    'traces.jsonl',
    '/proc/nowhere/x',
    '/dev/null',
    'folder/notes.txt/x',
  ],
  ...['a\0b', 'x'.repeat(300), 'name with blank', '-', 'out/', 'folder/out'],
];
const NUMBERS = [
  '1',
  '2',
  '0',
  '-1',
  '1.5',
  'NaN',
  'Infinity',
  '1e9',
  '1e400',
  '0x10',
  '',
  'two',
  '9007199254740993',
];
const TEXTS = [
  'verify',
  'rllm',
  'x',
  '',
  '\u001b[31m',
  '__proto__',
  '{}',
  '{"a": 1}',
  '[',
  '../..',
  'true',
  'ä',
];

interface Flags {
  /** Flags with the values that they take. */
  [flag: string]: readonly string[];
}
interface Shape {
  name: string;
  /** Kinds of files that go well with it. */
  good: readonly string[];
  /** Given in most runs. */
  usual: readonly string[];
  flags: Flags;
  model: boolean;
  /** It only prints. */
  prints?: boolean;
  /** The output is a folder. */
  folder?: boolean;
  /** The file is given by this flag, not as an argument. */
  dataFlag?: string;
}

const sampling: Flags = {
  '--max-tokens': NUMBERS,
  '--temperature': NUMBERS,
  '--top-p': NUMBERS,
  '--samples': NUMBERS,
  '--seed': NUMBERS,
  '--system': TEXTS,
  '--batch-size': NUMBERS,
  '--limit': NUMBERS,
};
const shapes: readonly Shape[] = [
  {
    ...{
      name: 'score',
      good: ['pairs.jsonl', 'messages.jsonl', 'link.jsonl'],
      usual: ['--dtype', 'f32'],
      model: true,
    },
    flags: {
      '--tokens': [],
      '--token-budget': NUMBERS,
      '--layout': [...TEXTS, 'redi'],
      '--device': ['cpu', 'cuda', 'x'],
    },
  },
  {
    ...{
      name: 'generate',
      good: ['problems.jsonl', 'array.json'],
      usual: ['--dtype', 'f32', '--max-tokens', '3'],
    },
    ...{ model: true, dataFlag: '--prompts', flags: sampling },
  },
  {
    ...{ name: 'doctor', good: ['pairs.jsonl', 'messages.jsonl'], usual: [], model: true },
    flags: {
      '--show': NUMBERS,
      '--html': OUTPUTS,
      '--against': FILES,
      '--max-length': NUMBERS,
      '--json': [],
    },
  },
  {
    ...{ name: 'verify', good: ['traces.jsonl', 'answers.jsonl'], usual: ['--threads', '1'], model: false },
    flags: { '--preset': [...TEXTS, 'mathVerify'], '--json': [], '--gold': TEXTS, '--judge': [] },
  },
  {
    ...{ name: 'advise', good: ['traces.jsonl', 'pairs.jsonl'], usual: [], model: false, prints: true },
    flags: {
      '--alpha': NUMBERS,
      '--lr': NUMBERS,
      '--batch-size': NUMBERS,
      '--epochs': NUMBERS,
      '--recipe': FILES,
      '--verdicts': ['mv', ...TEXTS],
      '--json': [],
    },
  },
  {
    ...{ name: 'rewards', good: ['traces.jsonl', 'pairs.jsonl'], usual: [], model: false },
    flags: {
      '--verdicts': ['mv', ...TEXTS],
      '--advantage': ['dapo', 'maxrl', ...TEXTS],
      '--unlikely': NUMBERS,
      '--overlong': NUMBERS,
      '--flip': NUMBERS,
      '--json': [],
    },
  },
  {
    ...{
      name: 'curate',
      good: ['traces.jsonl', 'pairs.jsonl'],
      usual: ['--no-length-filter'],
      model: false,
      folder: true,
    },
    flags: {
      ...{
        '--rule': ['redi', 'ablation', 'matched', ...TEXTS],
        '--verdicts': ['mv', ...TEXTS],
        '--keep': NUMBERS,
      },
      ...{
        '--decontaminate': FILES,
        '--shortest-pairs': NUMBERS,
        '--model': MODELS,
        '--normalize-answers': [],
      },
    },
  },
  {
    ...{
      name: 'collect',
      good: ['problems.jsonl', 'array.json'],
      usual: ['--dtype', 'f32', '--max-tokens', '3'],
    },
    ...{ model: true, folder: true, flags: { ...sampling, '--until-right': NUMBERS, '--preset': TEXTS } },
  },
  {
    ...{
      name: 'evaluate',
      good: ['problems.jsonl', 'array.json'],
      usual: ['--dtype', 'f32', '--max-tokens', '3'],
    },
    ...{
      model: true,
      folder: true,
      flags: { ...sampling, '--grader': TEXTS, '--json': [], '--regrade': FILES },
    },
  },
];

/** Keys of recipes with values of every kind. */
const KEYS = [
  ...[
    'model',
    'data',
    'out',
    'objective',
    'objective.name',
    'objective.alpha',
    'optimizer.lr',
    'optimizer.betas',
  ],
  ...[
    'batch_size',
    'epochs',
    'max_steps',
    'token_budget',
    'dtype',
    'device',
    'seed',
    'save.every',
    'layout',
    'doctor',
  ],
  ...['stages', 'stages.scores.model', 'stages.curated.rule', '__proto__', 'learning_rate', 'nonsense', ''],
];
const VALUES = [
  ...NUMBERS,
  ...TEXTS,
  ...[
    '[1, 2]',
    '{name: sft}',
    'null',
    '~',
    '@curated',
    '1e-3',
    'sft',
    'simpo',
    'pairs.jsonl',
    'nowhere',
    '"1e-4"',
  ],
];

/** One run at random. The seed is the run's own, so that it can be repeated alone. */
export function fuzzRun(random: Random): FuzzRun {
  const pick = <T>(list: readonly T[]): T => list[random.nextInt(list.length)]!;
  const chance = (p: number) => random.nextFloat() < p;
  if (chance(0.2)) return recipeRun(pick, chance);
  const shape = pick(shapes);
  const args = [shape.name];
  const data = chance(0.55) ? pick(shape.good) : pick(FILES);
  if (!chance(0.03)) args.push(...(shape.dataFlag === undefined ? [data] : [shape.dataFlag, data]));
  if (shape.model && !chance(0.03)) args.push('--model', chance(0.75) ? 'model' : pick(MODELS));
  args.push(...shape.usual);
  const outputs: string[] = [];
  if (!shape.prints && !chance(0.1)) {
    const out = chance(0.4) ? (shape.folder ? 'out' : 'out.jsonl') : pick(OUTPUTS);
    args.push('--out', out);
    outputs.push(out);
  }
  const flags = Object.entries(shape.flags);
  while (chance(0.45)) {
    const [flag, values] = pick(flags);
    args.push(flag);
    if (values.length > 0) {
      const value = pick(values);
      args.push(value);
      if (flag === '--html') outputs.push(value);
    }
  }
  if (chance(0.04)) args.push(pick(['--nonsense', '--', '-x', '--out', '', '\u001b[2J', '--help']));
  return { args, outputs };
}

function recipeRun(pick: <T>(list: readonly T[]) => T, chance: (p: number) => boolean): FuzzRun {
  const train = chance(0.5);
  const good = train ? 'train.yaml' : 'line.yaml';
  const recipe = chance(0.8) ? good : pick(['bad.yaml', 'list.yaml', 'line.yaml', 'train.yaml', ...FILES]);
  const args = [train ? 'train' : 'run', recipe];
  const outputs = ['out'];
  while (chance(0.5)) {
    const [key, value] = [pick(KEYS), pick(VALUES)];
    args.push('--set', `${key}=${value}`);
    if (key === 'out') outputs.push(value.replaceAll('"', ''));
  }
  if (chance(0.3)) {
    const out = pick(OUTPUTS);
    args.push('--set', `out=${out}`);
    outputs.push(out);
  }
  if (!train && chance(0.2)) args.push(pick(['--force', '--json']));
  return { args, outputs };
}
