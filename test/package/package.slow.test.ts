import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows, turns, writeRows, writeTinyModel } from '../support/tinyModel.js';

/** The repository, and an empty folder into which its packed tarball is installed as a user would. */
const repository = fileURLToPath(new URL('../../', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'redistill-package-'));
const installed = join(root, 'node_modules', 'redistill');

const node = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } });
const redistill = (...args: string[]) => node([join(root, 'node_modules/.bin/redistill'), ...args]);

beforeAll(() => {
  // The scripts would empty dist/, which other tests are running.
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', root];
  const tarball = execFileSync('npm', pack, { cwd: repository, encoding: 'utf8' }).trim();
  writeFileSync(join(root, 'package.json'), '{ "private": true, "type": "module" }');
  const install = ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`];
  execFileSync('npm', install, { cwd: root });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const filesOf = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));

describe('the tarball', () => {
  it('holds the program and what belongs to it, and nothing of the workshop', () => {
    const files = filesOf(installed);
    for (const file of [
      'README.md',
      'LICENSE',
      'native/CMakeLists.txt',
      'docs/recipes.md',
      'recipes/quickstart.yaml',
    ])
      expect(files).toContain(file);
    expect(
      files.filter((file) => /\.test\.|\.map$|tsbuildinfo|^(src|test|bench|scripts)\//.test(file)),
    ).toEqual([]);
    // A file of dist/ without a source is left from an earlier build: remove dist/ and build again.
    const bundle = 'dist/report/page.js'; // of the folder src/report/page
    expect(files).toContain(bundle);
    for (const file of files.filter((name) => /^dist\/.*\.(d\.ts|js)$/.test(name) && name !== bundle))
      expect(
        existsSync(join(repository, file.replace('dist', 'src').replace(/\.(d\.ts|js)$/, '.ts'))),
        file,
      ).toBe(true);
    for (const file of files.filter((name) => name.endsWith('.js')))
      expect(readFileSync(join(installed, file), 'utf8'), file).not.toContain('sourceMappingURL');
  });

  it('holds every file that its help, its README and its messages name', () => {
    const commands = [...redistill('--help').stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
    expect(commands).toContain('train');
    const helps = [['--help'], ...commands.map((name) => [name, '--help']), ['models', 'get', '--help']];
    const texts = new Map<string, string>([
      ...helps.map((args): [string, string] => [args.join(' '), redistill(...args).stdout]),
      ...filesOf(installed)
        .filter((file) => file === 'README.md' || /^(dist|recipes)\/.*\.(js|yaml)$/.test(file))
        .map((file): [string, string] => [file, readFileSync(join(installed, file), 'utf8')]),
    ]);
    const named = /(?<![\w./-])(?:docs|recipes|examples|native|bin)\/[\w./-]*\w|\b[A-Z]{4,}\.md\b/g;
    let found = 0;
    for (const [where, text] of texts)
      for (const [name] of text.matchAll(named)) {
        found++;
        expect(existsSync(join(installed, name)), `${where} names ${name}`).toBe(true);
      }
    expect(found).toBeGreaterThan(20);
  });
});

describe('the recipes of the package', () => {
  it.each(['quickstart', 'teacher-pairs'])('%s finds its data beside it, before the first stage', (name) => {
    // Everything is looked for before the first stage, which then fails for want of this model.
    const { status, stderr } = redistill(
      ...['run', `node_modules/redistill/recipes/${name}.yaml`, '--set', 'stages.student.model=./none'],
      ...['--set', `out=${name}`],
    );
    expect(status).toBe(2);
    expect(stderr).toContain('there is no ./none');
    expect(stderr).not.toContain('examples/');
    expect(stderr.match(/there is no/g)).toHaveLength(1);
  });
});

describe('the library', () => {
  const rooms = Object.keys(
    (JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { exports: object }).exports,
  )
    .filter((name) => name !== './package.json')
    .map((name) => `redistill${name.slice(1)}`);
  const withTensors = ['torch', 'models', 'generate', 'train', 'serve'].map((name) => `redistill/${name}`);

  it('loads no addon where it needs no tensors, and says what to do where it does', () => {
    const script = `
      const rooms = ${JSON.stringify(rooms)}, loaded = {};
      for (const room of rooms) loaded[room] = await import(room).then((it) => Object.keys(it).length, (e) => e.message);
      loaded.objects = process.report.getReport().sharedObjects.filter((name) => /torch|redistill\\.node/.test(name));
      console.log(JSON.stringify(loaded));`;
    const { stdout, stderr } = node(['--input-type=module', '-e', script], {
      XDG_CACHE_HOME: join(root, 'none'),
    });
    expect(stderr).toBe('');
    const { objects, ...loaded } = JSON.parse(stdout) as Record<string, unknown>;
    expect(objects).toEqual([]);
    for (const room of rooms) {
      if (withTensors.includes(room))
        expect(loaded[room]).toBe('libtorch is not set up; run `redistill setup`');
      else expect(loaded[room], room).toBeGreaterThan(0);
    }
    // Rows, verdicts, sets and objectives need no native code at all.
    for (const room of ['data', 'verify', 'objectives', 'statistics', 'evaluate']) {
      const one = `await import('redistill/${room}');
        console.log(JSON.stringify(process.report.getReport().sharedObjects.filter((name) => name.endsWith('.node'))));`;
      expect(node(['--input-type=module', '-e', one]).stdout.trim(), room).toBe('[]');
    }
  });

  it('compiles strictly without types of the user’s own, and does what the types say', () => {
    for (const [from, to] of [
      ['test/package/consumer.ts', 'consumer.ts'],
      ['examples/loop.ts', 'loop.ts'],
    ] as const)
      cpSync(join(repository, from), join(root, to));
    const tsc = (name: string, options: object) => {
      const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
      const compilerOptions = { target: 'ES2022', lib: ['ES2022'], ...strict, ...options };
      writeFileSync(join(root, name), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
      return node([join(repository, 'node_modules/typescript/bin/tsc'), '-p', name]).stdout;
    };
    expect(tsc('nodenext.json', { module: 'NodeNext', moduleResolution: 'NodeNext' })).toBe('');
    expect(
      tsc('bundler.json', { module: 'ESNext', moduleResolution: 'Bundler', noEmit: true, types: [] }),
    ).toBe('');

    writeTinyModel(join(root, 'tiny'));
    writeRows(
      join(root, 'pairs.jsonl'),
      [1, 2, 3].map((n) => ({ chosen: turns(`${n}+1?`, `${n + 1}`), rejected: turns(`${n}+1?`, 'No.') })),
    );
    const verdicts = { math_verify_answer: [true, false], math_verify_reparsed_answer: [true, false] };
    writeRows(join(root, 'traces.jsonl'), [
      {
        ...{ problem: '1+1?', problem_is_valid: 'Yes', answer: '2', correctness: verdicts },
        generations: ['So \\boxed{2}.', '\\boxed{3}'],
      },
    ]);
    writeFileSync(
      join(root, 'objective.mjs'),
      `import { defineObjective, linearObjective, numberFrom } from 'redistill/objectives';
       export default defineObjective('own', { push: numberFrom(0, 1) }, ({ push }) =>
         linearObjective({ name: 'own', formula: 'f', data: 'pairs' }, ({ role, length }, { pairs }) =>
           (role === 'rejected' ? push : -1) / (length * pairs)));`,
    );
    const run = node(['consumer.js', root]);
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toEqual({
      ...{
        losses: [-0.5, expect.closeTo(-1.4, 12) as number],
        traces: [2],
        right: [true, true],
        statistics: [0.75, 0],
      },
      ...{ curated: 'object', examined: 3, trained: [2, 'saved'], scored: [2, true], finished: true },
      ...{ tensor: [4, 6], stages: true, room: true },
    });
    expect(readRows(join(root, 'trained', 'metrics.jsonl'))).toHaveLength(2);

    mkdirSync(join(root, 'loops'));
    const loop = node(['loop.js', 'tiny', 'pairs.jsonl', 'loops/out']);
    expect(loop.stdout, loop.stderr).toMatch(/^step 1: loss -?[\d.]+, gradient norm [\d.]+\n$/);
    expect(existsSync(join(root, 'loops/out/model.safetensors'))).toBe(true);
  });
});
