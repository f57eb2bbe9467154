import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VARIABLES = [
  'PATH',
  'XDG_CACHE_HOME',
  'LIBTORCH',
  'VIRTUAL_ENV',
  'REDISTILL_ADDON',
  'CXX',
  'CMAKE_GENERATOR',
  'CUDA_HOME',
];

/** A temporary folder whose `bin` is the whole PATH and whose `cache` is the user's cache, until `dispose`. */
export class Sandbox {
  readonly root = mkdtempSync(join(tmpdir(), 'redistill-setup-'));
  readonly bin = join(this.root, 'bin');
  readonly cache = join(this.root, 'cache', 'redistill');
  readonly #callsFile = join(this.root, 'calls');
  readonly #saved = VARIABLES.map((name) => [name, process.env[name]] as const);

  constructor() {
    mkdirSync(this.bin);
    for (const name of VARIABLES) setVariable(name, undefined);
    process.env.PATH = this.bin;
    process.env.XDG_CACHE_HOME = join(this.root, 'cache');
  }

  /** Installs a program whose body is JavaScript; `args` holds its arguments. Each call is recorded. */
  program(name: string, body: string, folder = this.bin): void {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, name);
    writeFileSync(
      path,
      `#!${process.execPath}
const fs = require('node:fs'), path = require('node:path'), args = process.argv.slice(2);
fs.appendFileSync(${JSON.stringify(this.#callsFile)}, ${JSON.stringify(name)} + ' ' + args.join(' ') + '\\n');
${body}
`,
    );
    chmodSync(path, 0o755);
  }

  remove(name: string): void {
    rmSync(join(this.bin, name));
  }

  /** "name arguments" of every call, in order. */
  calls(name = ''): string[] {
    if (!existsSync(this.#callsFile)) return [];
    return readFileSync(this.#callsFile, 'utf8')
      .split('\n')
      .filter((line) => line.trimEnd() !== '' && line.startsWith(name));
  }

  /** Every file and empty folder below the cache, relative to it. */
  cacheFiles(): string[] {
    if (!existsSync(this.cache)) return [];
    return readdirSync(this.cache, { recursive: true, encoding: 'utf8' }).sort();
  }

  /** A folder that looks like a libtorch of that version. */
  torch(
    name: string,
    version: string,
    libraries: readonly string[] = ['libtorch_cpu.so', 'libc10.so'],
  ): string {
    const folder = join(this.root, name);
    for (const file of torchFiles(version, libraries)) {
      const path = join(folder, file.name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, file.data);
    }
    return folder;
  }

  dispose(): void {
    for (const [name, value] of this.#saved) setVariable(name, value);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The files of a libtorch, relative to its folder. */
export function torchFiles(version: string, libraries: readonly string[]): { name: string; data: string }[] {
  const [major, minor, patch] = version.split('.');
  const macros = [`MAJOR ${major}`, `MINOR ${minor}`, `PATCH ${patch}`];
  return [
    {
      name: 'include/torch/headeronly/version.h',
      data: macros.map((m) => `#define TORCH_VERSION_${m}\n`).join(''),
    },
    {
      name: 'include/torch/csrc/api/include/torch/version.h',
      data: '#include <torch/headeronly/version.h>\n',
    },
    ...libraries.map((library) => ({ name: `lib/${library}`, data: `contents of ${library}` })),
  ];
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
