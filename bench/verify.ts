/**
 * How right and how fast the answer verifier is, beside Python's Math-Verify on the same pairs and machine.
 *
 *   npm run bench:verify [-- --python PATH --limit 1500]
 *
 * PATH is a Python with bench/peers/math_verify_requirements.txt installed; without it only ours is measured. The
 * pairs are the test suites of other graders (disputed ones left out), labelled model solutions, rewrites and near misses
 * of benchmark golds, an adversary's right rewrites and wrong edits of them, cases after public reports on graders, and
 * hostile inputs. A false yes is a wrong answer that was called right, a false no a right one that was not. Math-Verify gets every stored case and label, and `limit` of the generated
 * pairs, since it needs tens of milliseconds a pair; hostile inputs and presets of ours are ours alone. A pair's time is
 * processor time, the least of three runs, so that other programs and the compiler do not count.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/util/table.js';
import { verify, type Preset, type VerifyOptions } from '../src/verify/verify.js';
import { adversarialPairs } from '../test/support/adversarialAnswers.js';
import { answerCases, caseOptions, reportCases, type AnswerCase } from '../test/support/answerCases.js';
import { variantsOf } from '../test/support/answerVariants.js';
import { benchmarkPairs } from '../test/support/adversary/benchmarkPairs.js';
import { COMPOSED_KINDS } from '../test/support/adversary/composedKinds.js';
import { Maker } from '../test/support/adversary/pair.js';
import { BENCHMARKS, benchmarkGolds, withoutDollars } from '../test/support/benchmarkGolds.js';
import { machine, median, root } from './support.js';

const { values } = parseArgs({
  options: { python: { type: 'string' }, limit: { type: 'string', default: '1500' } },
});

interface Pair {
  gold: string;
  pred: string;
  /** Absent where only time and not throwing count. */
  expected?: boolean;
  options: { preset?: Preset } & Partial<VerifyOptions>;
  /** The settings of a stored case, as Math-Verify names them. */
  opts?: AnswerCase['opts'];
}

interface Result {
  correct: boolean;
  ms: number;
}

function suites(): Record<string, Pair[]> {
  const stored = (answerCases() ?? [])
    .filter((given) => !given.opts?.disputed)
    .map((given) => ({ ...given, options: caseOptions(given) }));
  const own = stored.filter((given) => given.suite.startsWith('math-verify'));
  const generated = (['math', 'minerva', 'olympiad_bench'] as const).flatMap((name) =>
    (benchmarkGolds(name) ?? []).flatMap(([gold], index) => variantsOf(gold!, index)),
  );
  const boxed = generated.map((pair) => ({
    ...pair,
    pred: `The answer is \\boxed{${pair.pred}}.`,
    options: {},
  }));
  const adversary = adversaryPairs();
  const reports = (reportCases() ?? []).map((given) => ({
    ...given,
    options: given.preset ? { preset: given.preset } : {},
  }));
  return {
    'Math-Verify’s own cases': own,
    'other graders’ cases': stored.filter((given) => !own.includes(given)),
    'GSM8K labels': gsm8k(),
    'MATH labels': math(),
    'rewrites that are right': boxed.filter((pair) => pair.expected),
    'near misses': boxed.filter((pair) => !pair.expected),
    'adversary, right rewrites': adversary.filter((pair) => pair.expected),
    'adversary, wrong edits': adversary.filter((pair) => !pair.expected),
    'cases after reports': reports.filter(({ preset }) => preset === undefined),
    'reports on presets of ours': reports.filter(({ preset }) => preset !== undefined),
    'hostile inputs': adversarialPairs().map((pair) => ({ ...pair, options: {} })),
  };
}

/** What the adversary makes of the benchmarks' golds and of composed ones, without what is for presets of ours. */
function adversaryPairs(): Pair[] {
  const golds = BENCHMARKS.flatMap((name) => benchmarkGolds(name) ?? []).map(([gold]) => gold!);
  const made = golds.flatMap((gold, index) => benchmarkPairs(gold, withoutDollars(gold), index + 1));
  for (const compose of COMPOSED_KINDS) {
    const maker = new Maker(compose.name.length);
    for (let round = 0; round < 60; round++) compose(maker);
    made.push(...maker.pairs);
  }
  return made.filter(({ preset }) => preset === undefined).map((pair) => ({ ...pair, options: {} }));
}

function lines<T>(path: string): T[] {
  const full = join(root, '../shared/data', path);
  if (!existsSync(full)) return [];
  const text = readFileSync(full, 'utf8').trimEnd();
  return text.split('\n').map((line) => JSON.parse(line) as T);
}

function gsm8k(): Pair[] {
  type Row = Record<string, { is_correct: boolean; solution: string }> & { ground_truth: string };
  const models = ['6b_finetuning', '6b_verification', '175b_finetuning', '175b_verification'];
  return lines<Row>('gsm8k/example_model_solutions.jsonl').flatMap((row) => {
    const gold = row.ground_truth.split('A: ').at(-1)!.trim();
    return models.map((model) => {
      const { solution, is_correct } = row[model]!;
      return { gold, pred: solution, expected: is_correct, options: {} };
    });
  });
}

function math(): Pair[] {
  type Row = { gt: string; code: string[]; score: boolean[] };
  return lines<Row>('qwen25-math-cot100/math_cot_100.jsonl').flatMap(({ gt, code, score }) =>
    code.map((pred, index) => ({ gold: gt, pred, expected: score[index]!, options: {} })),
  );
}

function ours(pairs: readonly Pair[]): Result[] {
  return pairs.map(({ gold, pred, options }) => {
    let correct = false;
    const times = [0, 1, 2].map(() => {
      const before = process.cpuUsage();
      correct = verify({ gold, pred, ...options }).correct;
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    return { correct, ms: Math.min(...times) };
  });
}

/** The verdicts of Math-Verify in a process of its own. */
function theirs(python: string, pairs: readonly Pair[]): Result[] {
  const folder = mkdtempSync(join(tmpdir(), 'bench-verify-'));
  try {
    const [input, output] = [join(folder, 'pairs.json'), join(folder, 'results.json')];
    const plain = pairs.map(({ gold, pred, opts }) => ({ gold, pred, opts: opts ?? {} }));
    writeFileSync(input, JSON.stringify(plain));
    const peer = join(root, 'bench/peers/math_verify_cases.py');
    const run = spawnSync(python, [peer, input, output], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (run.status !== 0) throw new Error(`${peer} failed`);
    return JSON.parse(readFileSync(output, 'utf8')) as Result[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Every n-th pair, so that about `limit` are left. */
function thinned(pairs: readonly Pair[], limit: number): Pair[] {
  const step = Math.max(1, Math.ceil(pairs.length / limit));
  return pairs.filter((_, index) => index % step === 0);
}

function row(name: string, who: string, pairs: readonly Pair[], results: readonly Result[]): string[] {
  const judged = pairs
    .map((pair, index) => ({ ...pair, ...results[index]! }))
    .filter((pair) => pair.expected !== undefined);
  const agreed = judged.filter((pair) => pair.correct === pair.expected).length;
  const times = results.map((result) => result.ms);
  const mean = times.reduce((a, b) => a + b, 0) / times.length;
  return [
    name,
    who,
    String(pairs.length),
    `${agreed} of ${judged.length}`,
    `${((100 * agreed) / judged.length).toFixed(2)} %`,
    String(judged.filter((pair) => pair.correct && !pair.expected).length),
    String(judged.filter((pair) => !pair.correct && pair.expected).length),
    mean.toFixed(3),
    median(times).toFixed(3),
    times.reduce((a, b) => Math.max(a, b), 0).toFixed(1),
  ];
}

/** What Math-Verify has no like of. */
const OURS = new Set(['hostile inputs', 'reports on presets of ours']);

/** Runs every suite a little before anything is timed. */
function warm(all: Readonly<Record<string, readonly Pair[]>>): void {
  for (const pairs of Object.values(all)) ours(thinned(pairs, 300));
}

console.log(`${machine()}\n`);
const HEADING = [
  'suite',
  'verifier',
  'pairs',
  'agree',
  'share',
  'false yes',
  'false no',
  'mean ms',
  'median ms',
  'slowest ms',
];
const rows: string[][] = [];
const all = suites();
const judged: { pairs: Pair[]; results: Result[] } = { pairs: [], results: [] };
warm(all);
for (const [name, pairs] of Object.entries(all)) {
  if (pairs.length === 0) {
    console.log(`skipped: ${name}: its data are not in ../shared/data`);
    continue;
  }
  const results = ours(pairs);
  rows.push(row(name, 'redistill', pairs, results));
  judged.pairs = judged.pairs.concat(pairs);
  judged.results = judged.results.concat(results);
  if (values.python === undefined || OURS.has(name)) continue;
  const some = thinned(pairs, Number(values.limit));
  if (some.length < pairs.length) rows.push(row(name, 'redistill, the same', some, ours(some)));
  rows.push(row(name, 'Math-Verify', some, theirs(values.python, some)));
}
rows.push(row('all of them', 'redistill', judged.pairs, judged.results));
console.log(formatTable(HEADING, rows));
