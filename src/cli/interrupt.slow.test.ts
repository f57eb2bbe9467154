import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HubServer } from '../../test/support/hubServer.js';
import {
  Cli,
  contents,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
  type Finished,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-interrupt-'));
const path = (...names: string[]) => join(root, ...names);
const patient = path('patient');
const rows = path('rows.jsonl');
const problems = path('problems.jsonl');

beforeAll(() => {
  writeTinyModel(patient, { max_position_embeddings: 100_000 }); // answers need not end
  writeRows(
    rows,
    Array.from({ length: 15_000 }, () => ({ messages: turns('2+2?', 'it is 4') })),
  );
  writeRows(
    problems,
    Array.from({ length: 4 }, (_, i) => ({ problem: `${i}+1?`, answer: i + 1 })),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A file with an earlier result in a folder of its own. */
function earlier(name: string): { dir: string; out: string } {
  const dir = mkdtempSync(path(`${name}-`));
  const out = join(dir, name);
  writeFileSync(out, 'kept\n');
  return { dir, out };
}

const sampling = ['--samples', '5000', '--temperature', '1', '--max-tokens', '50000'];

/** What `generate` says when it is stopped. */
const keptIn = (out: string): string =>
  `stopped; ${out}.begun has the responses that were made, and the same command goes on`;

/** Ended by Ctrl-C, with what is said then as the last line. */
function expectStopped({ code, signal, stdout, stderr }: Finished, last: string): void {
  expect({ code, signal, stdout }, stderr).toEqual({ code: 130, signal: null, stdout: '' });
  expect(stderr).toContain('stopping… (Ctrl-C again to stop at once)');
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(last);
  expect(stderr).not.toContain('error');
}

describe.concurrent('Ctrl-C ends a command that only reads, and leaves the earlier result', () => {
  it('score', async () => {
    const { dir, out } = earlier('out.jsonl');
    const flags = ['--data', rows, '--token-budget', '1'];
    const cli = new Cli(['score', '--model', patient, '--dtype', 'f32', '--out', out, ...flags]);
    await cli.shows(/^score: /m);
    expectStopped(await cli.stop(), 'stopped; nothing was written');
    expect(readdirSync(dir)).toEqual(['out.jsonl']);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
  });

  it('generate, which keeps what it has made beside it', async () => {
    const { dir, out } = earlier('out.jsonl');
    const flags = ['--prompts', problems, ...sampling];
    const cli = new Cli(['generate', '--model', patient, '--dtype', 'f32', '--out', out, ...flags]);
    await cli.shows(/^generate: /m);
    expectStopped(await cli.stop(), keptIn(out));
    expect(readdirSync(dir)).toEqual(['out.jsonl', 'out.jsonl.begun']);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
  });
});

describe.concurrent('Ctrl-C ends a command that samples, and the same command goes on', () => {
  const common = ['--model', patient, '--dtype', 'f32', '--data', problems, '--temperature', '1'];
  it.each<[string, string[], string[]]>([
    ['evaluate', ['samples.jsonl', 'disagreements.jsonl'], ['--grader', 'verify,gsm8k']],
    ['collect', ['traces.jsonl'], ['--instruction', '']],
  ])('%s', async (command, results, more) => {
    // Few at a time and of many lengths, so that some are there early and it is not done soon.
    const args = (out: string) => [
      ...[command, ...common, ...more, '--samples', '40', '--max-tokens', '300', '--batch-size', '4'],
      ...['--out', out],
    ];
    const undisturbed = path(`${command}-undisturbed`);
    const whole = await redistill(args(undisturbed));
    expect(whole, whole.stderr).toMatchObject({ code: 0 });

    const out = path(`${command}-stopped`);
    mkdirSync(out);
    writeFileSync(join(out, 'summary.json'), 'kept\n');
    writeFileSync(join(out, 'redistill.json'), JSON.stringify({ made_by: 'redistill', command }));
    const journal = join(out, 'journal.jsonl');
    const answers = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 2 : 0);
    const cli = new Cli(args(out));
    await cli.shows(new RegExp(`^${command}: `, 'm'));
    while (answers() < 3) await sleep(5);
    expectStopped(
      await cli.stop(),
      `stopped; run the same command again to go on: what has arrived is kept in ${out}`,
    );
    const kept = readFileSync(journal, 'utf8');
    expect(answers()).toBeLessThan(160); // there is something left
    expect(readdirSync(out).sort()).toEqual(['journal.jsonl', 'redistill.json', 'summary.json']);
    expect(readFileSync(join(out, 'summary.json'), 'utf8')).toBe('kept\n');

    const again = await redistill(args(out));
    expect(again, again.stderr).toMatchObject({ code: 0 });
    expect(readFileSync(journal, 'utf8').startsWith(kept)).toBe(true);
    expect(readRows(journal)).toHaveLength(1 + 160);
    for (const result of results) expect(contents(out)[result]).toBe(contents(undisturbed)[result]);
    expect(again.stdout.replaceAll(out, undisturbed)).toBe(whole.stdout);
    expect(readdirSync(out).sort()).toEqual(
      ['journal.jsonl', 'redistill.json', ...results, 'summary.json'].sort(),
    );
  });

  it('evaluate without --out says that nothing is kept, and keeps nothing', async () => {
    const folder = path('temporary');
    mkdirSync(folder);
    const args = ['evaluate', ...common, '--samples', '5000', '--max-tokens', '50000'];
    const cli = new Cli(args, { env: { TMPDIR: folder } });
    await cli.shows(/^evaluate: /m);
    expectStopped(await cli.stop(), 'stopped; nothing is kept without --out');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.concurrent('Ctrl-C in models get', () => {
  /** Passes requests on to the hub, but of the weights sends the first half and then nothing. */
  function stalling(hub: string): Server {
    return createServer((request, response) => {
      const { url = '/', method, headers } = request;
      forward(new URL(url, hub), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        if (!url.includes('model.safetensors') || headers.range === 'bytes=0-0') {
          answer.pipe(response);
          return;
        }
        answer.once('data', (bytes: Buffer) => {
          answer.pause();
          response.write(bytes.subarray(0, bytes.length / 2));
        });
      }).end();
    });
  }

  it('leaves no model that is not whole, and the next call fetches it', async () => {
    const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
    const hub = new HubServer('a/b', new Map(names.map((name) => [name, readFileSync(join(patient, name))])));
    const address = await hub.listen();
    const server = stalling(address);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const env = { XDG_CACHE_HOME: path('cache'), HF_TOKEN: '' };
    const target = path('cache/redistill/models/hub/a--b/main');
    try {
      const stalled = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const cli = new Cli(['models', 'get', 'a/b'], { env: { ...env, HF_ENDPOINT: stalled } });
      await cli.shows(/^Fetching a\/b@main/m);
      const { code, signal, stdout } = await cli.stop();
      expect(code ?? signal).toSatisfy((end: unknown) => end === 130 || end === 'SIGINT');
      expect(stdout).toBe('');
      expect(existsSync(target)).toBe(false);

      const again = await redistill(['models', 'get', 'a/b'], { env: { ...env, HF_ENDPOINT: address } });
      expect(again, again.stderr).toMatchObject({ code: 0, stdout: `${target}\n` });
      expect(contents(target)['model.safetensors']).toBe(contents(patient)['model.safetensors']);
    } finally {
      server.closeAllConnections();
      server.close();
      await hub.close();
    }
  });
});

const training = {
  data: rows,
  dtype: 'f32',
  objective: { name: 'sft' },
  optimizer: { lr: 1e-4 },
  batch_size: 2,
};

describe.concurrent('train', () => {
  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s ends it between packs', async (signal) => {
    const out = path(`train-${signal}`);
    const recipe = path(`train-${signal}.yaml`);
    const data = path('few.jsonl');
    writeRows(data, [{ messages: turns('2+2?', '4') }]);
    writeFileSync(recipe, toYaml({ ...training, model: patient, data, out, save: { every: 1 } }));
    const first = await redistill(['train', recipe, '--set', 'max_steps=2']);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    const before = contents(join(out, 'model'));

    const cli = new Cli(['train', recipe, '--set', 'max_steps=100000'], { env: { _: '' } });
    await cli.shows(/^saved .*step-3$/m);
    const stopped = await cli.stop(signal);
    const end = signal === 'SIGHUP' ? { code: null, signal } : { code: 130, signal: null };
    expect(stopped).toMatchObject({ ...end, stdout: '' });
    expect(stopped.stderr).toContain('stopping… (Ctrl-C again to stop at once)');
    expect(stopped.stderr.trimEnd().split('\n').at(-1)).toBe(
      `stopped; what was saved is in ${out}: \`redistill train --resume ${out}\` goes on from its last state`,
    );
    expect(stopped.stderr).not.toContain('error');

    expect(contents(join(out, 'model'))).toEqual(before);
    // Lines of measurements have no learning rate.
    const steps = readRows(join(out, 'metrics.jsonl'))
      .filter((line) => line.learning_rate !== undefined)
      .map(({ step }) => step as number);
    expect(steps).toEqual(steps.map((_, i) => i + 1));
    const checkpoints = readdirSync(join(out, 'checkpoints'));
    expect(checkpoints.filter((name) => !/^step-\d+$/.test(name))).toEqual([]);
    const loads = await redistill([
      ...['score', '--model', join(out, 'checkpoints', `step-${steps.at(-1)}`), '--data', data],
    ]);
    expect(loads, loads.stderr).toMatchObject({ code: 0 });
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript) console.warn('skipped: Ctrl-C on a terminal (the program `script` is absent)');
describe('Ctrl-C on a terminal', () => {
  it.runIf(hasScript).each<[string, string[]]>([
    ['score', ['--data', rows, '--token-budget', '1']],
    ['generate', ['--prompts', problems, ...sampling]],
  ])('leaves nothing of %s on it', async (command, flags) => {
    const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
    const out = join(mkdtempSync(path('pty-')), 'out.jsonl');
    const words = [process.execPath, program, command, '--model', patient, '--dtype', 'f32', '--out', out];
    const line = [...words, ...flags].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qfec', line, '/dev/null']);
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const before = shown;
      shown += text;
      const isDrawn = (all: string) => all.includes(`${command} ░`);
      if (isDrawn(shown) && !isDrawn(before)) child.stdin.write('\x03');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code, shown).toBe(130);
    expect(shown).not.toMatch(/\x1b\[\?/); // wrapping and the cursor were never touched
    // Below the bar's line, which is cleared, there is only what is said.
    const said = command === 'generate' ? keptIn(out) : 'stopped; nothing was written';
    expect(shown.split('\x1b[0J').at(-1)!.trim()).toBe(said);
  });
});

describe.concurrent('run', () => {
  const answering = {
    dtype: 'f32',
    data: problems,
    samples: 200,
    sampling: { temperature: 1, max_tokens: 200 },
    batch_size: 4,
  };
  it.each<[string, object, string[]]>([
    ['train', { ...training, max_steps: 1_000_000 }, []],
    ['collect', answering, ['journal.jsonl']],
    ['evaluate', answering, ['journal.jsonl']],
    ['score', { data: rows, token_budget: 1 }, []],
    ['doctor', { data: rows }, []],
  ])('stops in a %s stage and goes on from there', async (stage, keys, kept) => {
    const data = path(`${stage}-traces.jsonl`);
    writeRows(data, [{ problem: '2+2?', answer: 4, generations: ['4', '5'] }]);
    const out = path(`run-${stage}`);
    const recipe = path(`run-${stage}.yaml`);
    const stages = [
      { name: 'student', stage: 'get', model: patient },
      { name: 'teacher', stage: 'verify', data },
      { name: 'last', stage, model: '@student', ...keys },
    ];
    writeFileSync(recipe, toYaml({ out, stages }));
    const journal = join(out, 'last/journal.jsonl');
    const isUnderWay = async (cli: Cli, before: number) => {
      await cli.shows(/^last: /m);
      if (kept.length === 0) return;
      while (!existsSync(journal) || readFileSync(journal).length <= before) await sleep(5);
    };

    const cli = new Cli(['run', recipe]);
    await isUnderWay(cli, 1000); // some answers more than the journal's first line
    const stopped = await cli.stop();
    expectStopped(
      stopped,
      `stopped; run the same command again to go on: stages that are done are kept in ${out}`,
    );
    for (const file of ['model', 'traces.jsonl', 'samples.jsonl', 'scores.jsonl', 'summary.json']) {
      expect(existsSync(join(out, 'last', file)), file).toBe(false);
    }
    const done = contents(join(out, 'teacher'));
    expect(Object.keys(done)).toEqual(['redistill.json', 'verified.jsonl']);
    const answers = kept.length === 0 ? '' : readFileSync(journal, 'utf8');
    if (kept.length > 0) expect(readdirSync(join(out, 'last')).sort()).toEqual([...kept, 'redistill.json']);

    const again = new Cli(['run', recipe]);
    await isUnderWay(again, answers.length);
    const { code, stderr } = await again.stop();
    expect(code).toBe(130);
    expect(stderr).toContain('[1/3] student: unchanged, skipped');
    expect(stderr).toContain('[2/3] teacher: unchanged, skipped');
    expect(stderr).toContain(`[3/3] last: ${stage}`);
    expect(contents(join(out, 'teacher'))).toEqual(done);
    if (kept.length > 0) expect(readFileSync(journal, 'utf8').startsWith(answers)).toBe(true);
    expect(readdirSync(out).filter((name) => name.endsWith('.previous'))).toEqual([]);
  });
});
