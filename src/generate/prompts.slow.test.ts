import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseRows, redistill, writeTinyModel } from '../../test/support/tinyModel.js';

const model = writeTinyModel(join(mkdtempSync(join(tmpdir(), 'redistill-generate-')), 'model'));
const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));

it('generate reads prompts from standard input, a pipe or a socket, and takes a text as the user says it', () => {
  const input = ['{"prompt": "2+2?"}', '{"prompt": [{"role": "user", "content": "2+2?"}]}'].join('\n');
  const args = [program, 'generate', '--model', model, '--prompts', '-', '--max-tokens', '6'];
  const texts = (...more: string[]) => {
    const piped = ['-c', 'printf %s "$1" | "${@:2}"', 'bash', input, process.execPath, ...args, ...more];
    const { stdout, status } = spawnSync('bash', piped, { encoding: 'utf8' });
    expect(status).toBe(0);
    // What Node pipes into a program is a socket.
    const socket = spawnSync(process.execPath, [...args, ...more], { input, encoding: 'utf8' });
    expect(socket).toMatchObject({ status: 0, stdout });
    return parseRows(stdout).map(({ text }) => text);
  };
  const [asked, conversation] = texts();
  expect(asked).toBe(conversation);
  const [raw, same] = texts('--raw');
  expect(same).toBe(conversation);
  expect(raw).not.toBe(asked);
});

it('generate --help says what becomes of a text', async () => {
  const { stdout } = await redistill(['generate', '--help']);
  expect(stdout).toMatch(/--raw/);
  expect(stdout).toMatch(/A prompt that is a text is the user's turn/);
});
