/**
 * @file A process that runs the command line many times, each time in a folder of its own, and says what went wrong.
 * It is started by the fuzzer's test with the built program's path.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { deriveSeed, Random } from '../../../src/util/random.js';
import { fuzzRun, type FuzzRun } from './commands.js';

export interface FuzzTask {
  /** Where `writeFuzzFiles` has put them. */
  template: string;
  /** The folder of the runs. */
  places: string;
  /** URL of the built `cli/program.js`. */
  program: string;
  seed: number;
  from: number;
  to: number;
}
export type FuzzMessage =
  | { kind: 'begin'; run: number; args: string[] }
  | { kind: 'end'; run: number; code: number; command: string; faults: string[]; stderr: string };

interface Program {
  main: (argv: readonly string[]) => Promise<number>;
}

const send = (message: FuzzMessage) => process.send!(message);

process.once('message', (task: FuzzTask) => {
  void work(task).then(() => {
    process.disconnect();
  });
});

async function work({ template, places, program, seed, from, to }: FuzzTask): Promise<void> {
  const { main } = (await import(program)) as Program;
  const before = snapshot(template);
  for (let run = from; run < to; run++) {
    const place = join(places, `run-${run}`);
    cpSync(template, place, { recursive: true, verbatimSymlinks: true });
    process.chdir(place);
    const fuzz = fuzzRun(new Random(deriveSeed(seed, run)));
    send({ kind: 'begin', run, args: fuzz.args });
    const output = capture();
    let code: number;
    let thrown = '';
    try {
      code = await main(['node', 'redistill', ...fuzz.args]);
    } catch (error) {
      code = -1;
      thrown = String(error instanceof Error ? error.stack : error);
    }
    output.release();
    const faults = faultsOf(fuzz, code, output, thrown, before, place);
    send({ kind: 'end', run, code, command: fuzz.args[0]!, faults, stderr: output.stderr.slice(-500) });
    process.chdir(places);
    rmSync(place, { recursive: true, force: true });
  }
}

/** Takes what is printed until it is released. */
function capture() {
  const written = { stdout: '', stderr: '' };
  const streams = ['stdout', 'stderr'] as const;
  for (const name of streams)
    process[name].write = (text: string | Uint8Array) => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
      return true;
    };
  return Object.assign(written, {
    release: () => {
      // The method of the class is under the one that was set.
      for (const name of streams) Reflect.deleteProperty(process[name], 'write');
    },
  });
}

function faultsOf(
  { args, outputs }: FuzzRun,
  code: number,
  { stdout, stderr }: { stdout: string; stderr: string },
  thrown: string,
  before: ReadonlyMap<string, string>,
  place: string,
): string[] {
  const faults: string[] = [];
  if (![0, 1, 2].includes(code)) faults.push(`ended with ${code} ${thrown}`);
  if (/\n\s+at .+:\d+:\d+\)?/.test(stderr + stdout)) faults.push('shows a stack');
  if (/fault of redistill/.test(stderr)) faults.push('calls it its own fault');
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stderr)) faults.push('prints control characters');
  const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
  if (code === 0 ? errors.length > 0 : errors.length !== 1)
    faults.push(`${errors.length} errors with exit ${code}`);
  const after = snapshot(place);
  for (const [name, digest] of before) {
    const mayChange = outputs.some((out) => linked(out, place) === name);
    if (after.get(name) === digest) continue;
    if (mayChange && !isInput(args, name)) continue;
    faults.push(`${after.has(name) ? 'changed' : 'removed'} ${name}`);
  }
  const allowed = outputs.map((out) => join(linked(out, place)));
  for (const name of after.keys()) {
    if (before.has(name)) continue;
    const isOurs = allowed.some(
      (out) =>
        name === out ||
        name.startsWith(`${out.replace(/\/$/, '')}/`) ||
        `${out}/`.startsWith(`${name}/`) ||
        isBeside(name, out),
    );
    if (!isOurs) faults.push(`wrote ${name}`);
  }
  for (const name of after.keys()) if (name.endsWith('.tmp')) faults.push(`left ${name}`);
  if (code === 0 && !args.includes('--help')) faults.push(...emptyResults(outputs, stdout, place));
  return faults;
}

/** Whether a file is named as something that is read. */
const isInput = (args: readonly string[], name: string): boolean =>
  args.some((arg, i) => arg === name && !['--out', '--html'].includes(args[i - 1] ?? ''));

/** Files that verify writes beside its result. */
function isBeside(name: string, out: string): boolean {
  const stem = out.replace(/\.[^./]*$/, '');
  return ['quarantine.jsonl', 'judge.jsonl', 'disagreements.md'].some(
    (ending) => name === `${stem}.${ending}`,
  );
}

/** Where a path leads by the one link that tests have. */
function linked(out: string, place: string): string {
  if (out === 'dangling' && existsSync(join(place, out))) return readlinkSync(join(place, out));
  return out === 'link.jsonl' ? 'pairs.jsonl' : out.replace(/^\.\//, '');
}

function emptyResults(outputs: readonly string[], stdout: string, place: string): string[] {
  const named = outputs.filter((out) => out !== '-' && !out.startsWith('/dev/'));
  if (outputs.length === 0 || outputs.includes('-')) return stdout.trim() === '' ? ['says nothing'] : [];
  return named.flatMap((out) => {
    const path = join(place, out);
    const stats = out.includes('\0') ? undefined : statSync(path, { throwIfNoEntry: false });
    if (!stats) return outputs.length > 1 ? [] : [`${out} is missing after exit 0`];
    if (stats.isFile()) return stats.size === 0 ? [`${out} is empty after exit 0`] : [];
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name !== 'redistill.json',
    );
    const full = files.some(
      (name) => /\.(jsonl|safetensors)$/.test(name) && statSync(join(path, name)).size > 0,
    );
    return full ? [] : [`${out} has no result after exit 0`];
  });
}

/** Every path below a folder with what is there. */
function snapshot(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const path = join(dir, name);
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) found.set(name, `-> ${readlinkSync(path)}`);
    else if (stats.isFile()) found.set(name, createHash('sha1').update(readFileSync(path)).digest('hex'));
    else found.set(name, 'folder');
  }
  return found;
}
