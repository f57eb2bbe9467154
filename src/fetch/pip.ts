/** @file Downloads wheels with the user's pip. */
import { readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../util/errors.js';
import { type CommandResult, runCommand } from './command.js';
import { diskFull, mentionsFullDisk } from './disk.js';

/** A pip that works: the program and its first arguments. */
export type Pip = readonly [string, ...string[]];

const CANDIDATES: readonly Pip[] = [['pip3'], ['pip'], ['python3', '-m', 'pip']];
const POLL_MS = 250;

/**
 * Finds a pip that works.
 * @param task what needs pip, for the error
 * @param alternative what the user may do instead of installing it
 */
export async function findPip(task: string, alternative: string): Promise<Pip> {
  for (const pip of CANDIDATES) {
    const [program, ...first] = pip;
    if ((await runCommand(program, [...first, '--version'])).code === 0) return pip;
  }
  throw new UserError(
    `${task} needs pip, which was not found: run \`apt-get install -y python3-pip\`, or ${alternative}`,
  );
}

export interface DownloadOptions {
  /** Whether to download the requirements' own requirements too. */
  withDependencies?: boolean;
  /** Receives the bytes so far, and the total once pip has printed it. */
  onProgress?: (done: number, total: number | undefined) => void;
  /** What the user may do after a failure, beside checking the network and pip. */
  remedy: string;
}

/**
 * Downloads wheels into `folder` (also pip's temporary folder, so that nothing fills a small /tmp) and returns their
 * paths. Asks first for wheels for the local Python and, if there are none, for CPython 3.11's: no Python code of them
 * is used, so that any version is right.
 * @throws UserError with pip's own reason
 */
export async function downloadWheels(
  pip: Pip,
  requirements: readonly string[],
  folder: string,
  options: DownloadOptions,
): Promise<string[]> {
  const before = new Set(wheelsIn(folder));
  let result = await download(pip, requirements, folder, options, []);
  if (result.code !== 0 && /No matching distribution|Could not find a version/.test(result.tail.join('\n'))) {
    const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    const platforms = ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_17', 'manylinux2014'];
    result = await download(pip, requirements, folder, options, [
      ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'],
      ...platforms.flatMap((platform) => ['--platform', `${platform}_${machine}`]),
    ]);
  }
  const wheels = wheelsIn(folder).filter((path) => !before.has(path));
  if (result.code === 0 && wheels.length > 0) return wheels;
  const output = result.tail.join('\n');
  if (mentionsFullDisk(output)) throw diskFull();
  const reason = [...result.tail].reverse().find((line) => line.startsWith('ERROR:')) ?? result.tail.at(-1);
  throw new UserError(
    `pip could not download ${requirements.join(' ')} (${reason?.replace(/^ERROR:\s*/, '').trim() || 'it printed nothing'}): ` +
      `check the network and pip’s settings and ${options.remedy}`,
  );
}

async function download(
  pip: Pip,
  requirements: readonly string[],
  folder: string,
  options: DownloadOptions,
  tags: readonly string[],
): Promise<CommandResult> {
  const temporary = join(folder, 'pip');
  await mkdir(temporary, { recursive: true });
  const [program, ...first] = pip;
  let finished = 0;
  let current: number | undefined;
  // Without a terminal pip prints a file's size but not its progress; the size of its temporary file is the progress.
  const timer = setInterval(() => {
    const done = largestFile(temporary);
    options.onProgress?.(finished + done, current === undefined ? undefined : finished + current);
  }, POLL_MS);
  try {
    return await runCommand(
      program,
      [
        ...[...first, 'download', '--only-binary=:all:', '--progress-bar', 'off', '-d', folder],
        ...(options.withDependencies === true ? [] : ['--no-deps']),
        ...tags,
        ...requirements,
      ],
      {
        env: { TMPDIR: temporary, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1' },
        onLine: (line) => {
          const size = /^\s*Downloading .*\(([\d.]+) (kB|MB|GB)\)/.exec(line);
          if (size === null) return;
          finished += current ?? 0;
          current = Number(size[1]) * { kB: 1e3, MB: 1e6, GB: 1e9 }[size[2] as 'kB' | 'MB' | 'GB'];
        },
      },
    );
  } finally {
    clearInterval(timer);
  }
}

function wheelsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.whl'))
    .map((name) => join(folder, name));
}

/** Returns the size of the largest file in pip's temporary folders, which is the download in progress. */
function largestFile(folder: string): number {
  let largest = 0;
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const stats = statSync(join(folder, name), { throwIfNoEntry: false });
      if (stats?.isFile() === true) largest = Math.max(largest, stats.size);
    }
  } catch {
    // pip removed a folder while it was read; the next poll reads the rest.
  }
  return largest;
}
