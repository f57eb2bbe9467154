import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parseRows, redistill, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-generate-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
const model = writeTinyModel(join(root, 'model'));
const prompts = writeRows(
  join(root, 'prompts.jsonl'),
  Array.from({ length: 30 }, (_, i) => ({
    problem: `${'x'.repeat((7 * i) % 30)}${i}?`,
    begun: i % 2 === 0 ? 'So ' : `${i} `,
  })),
);
const generate = (...flags: string[]) =>
  redistill(['generate', '--model', model, '--prompts', prompts, ...flags]);
const sampled = [
  '--samples',
  '3',
  '--temperature',
  '1',
  '--seed',
  '4',
  '--max-tokens',
  '150',
  '--batch-size',
  '7',
];

describe('generate --out', () => {
  it.each(['bf16', 'f32'])(
    'killed again and again in %s, gives what an undisturbed run gives',
    async (dtype) => {
      const flags = [...sampled, '--tokens', '--dtype', dtype];
      const whole = join(root, `whole-${dtype}.jsonl`);
      expect(await generate(...flags, '--out', whole)).toMatchObject({ code: 0 });
      const out = join(root, `killed-${dtype}.jsonl`);
      const args = [program, 'generate', '--model', model, '--prompts', prompts, ...flags, '--out', out];
      let kills = 0;
      for (let lines = 10; ; lines += 15) {
        const child = spawn(process.execPath, args, { stdio: 'ignore' });
        const ended = once(child, 'exit');
        const rows = () =>
          existsSync(`${out}.begun`) ? readFileSync(`${out}.begun`, 'utf8').split('\n').length : 0;
        while (child.exitCode === null && rows() < lines) await sleep(5);
        if (child.exitCode !== null) break;
        child.kill('SIGKILL');
        await ended;
        kills++;
        if (kills === 4) break;
      }
      expect(kills).toBeGreaterThan(1);
      expect(existsSync(out)).toBe(false);
      expect(await generate(...flags, '--out', out)).toMatchObject({ code: 0 });
      expect(readFileSync(out, 'utf8')).toBe(readFileSync(whole, 'utf8'));
      expect(existsSync(`${out}.begun`)).toBe(false);
    },
  );

  it('goes on with the same settings alone, and writes over nothing', async () => {
    const out = join(root, 'other.jsonl');
    const child = spawn(
      process.execPath,
      [program, 'generate', '--model', model, '--prompts', prompts, ...sampled, '--out', out],
      { stdio: 'ignore' },
    );
    while (!existsSync(`${out}.begun`) || statSync(`${out}.begun`).size < 2000) await sleep(5);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const begun = readFileSync(`${out}.begun`);
    const other = await generate(...sampled, '--seed', '5', '--out', out);
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain('begun with another sampling');
    expect(readFileSync(`${out}.begun`)).toEqual(begun);
    writeFileSync(`${out}.begun`, 'my notes\n');
    expect(await generate(...sampled, '--out', out)).toMatchObject({ code: 2 });
    expect(readFileSync(`${out}.begun`, 'utf8')).toBe('my notes\n');
  });

  it('writes the same to a file and to standard output', async () => {
    const out = join(root, 'same.jsonl');
    await generate(...sampled, '--out', out);
    expect((await generate(...sampled)).stdout).toBe(readFileSync(out, 'utf8'));
  });
});

describe('generate', () => {
  it('begins responses as their rows say', async () => {
    const { stdout } = await generate('--prefix-field', 'begun', '--max-tokens', '5');
    const rows = parseRows(stdout);
    expect(rows).toHaveLength(30);
    rows.forEach(({ text }, i) => {
      expect((text as string).startsWith(i % 2 === 0 ? 'So ' : `${i} `)).toBe(true);
    });
    expect((await generate('--prefix-field', 'missing')).stderr).toContain(
      '"missing", with which the response begins',
    );
    expect(await generate('--prefix-field', 'begun', '--forced-prefix', 'x')).toMatchObject({ code: 2 });
  });

  it('decodes by the rules of a module', async () => {
    const rule = join(root, 'rule.mjs');
    writeFileSync(
      rule,
      'export const rule = { name: "echo", begin: () => ({ after: ({ ids }) => (ids.length === 2 ? { force: "abc" } : undefined) }) };\n',
    );
    const { stdout } = await generate('--rules', rule, '--max-tokens', '8', '--tokens');
    for (const { text, forced } of parseRows(stdout)) {
      expect(text).toContain('abc');
      expect((forced as number[]).slice(0, 3)).toEqual([0, 0, 1]);
    }
    writeFileSync(
      rule,
      'export const rule = { begin: () => ({ after: () => { throw new Error("no"); } }) };\n',
    );
    const thrown = await generate('--rules', rule, '--max-tokens', '8');
    expect(thrown).toMatchObject({ code: 2 });
    expect(thrown.stderr).toContain('rule.mjs threw: no');
    writeFileSync(rule, 'export const rule = 5;\n');
    expect((await generate('--rules', rule)).stderr).toContain('is not a rule');
    expect((await generate('--rules', 'nothing')).stderr).toContain('repetition');
  });

  it('ends at stop texts, and says which rule ended a response', async () => {
    const free = parseRows((await generate('--max-tokens', '40')).stdout);
    const stop = (free[0]!.text as string).slice(3, 5);
    const [first] = parseRows((await generate('--max-tokens', '40', '--stop', stop)).stdout);
    expect(first).toMatchObject({ finish_reason: 'stop', rule: 'stop texts' });
    expect((free[0]!.text as string).startsWith(first!.text as string)).toBe(true);
    expect(first!.text).not.toContain(stop);
  });
});
