import { describe, expect, it } from 'vitest';
import { failure, teacherEndpoints } from '../../test/support/teacherEndpoints.js';

const { teacher } = teacherEndpoints();

describe('the words of a server', () => {
  it.each<[string, object | string]>([
    ['{"error": {"message"}}', JSON.stringify({ error: { message: 'too long: 10 tokens' } })],
    ['{"error"}', JSON.stringify({ error: 'too long: 10 tokens' })],
    ['{"object": "error", "message"}', JSON.stringify({ object: 'error', message: 'too long: 10 tokens' })],
    ['{"detail"}', JSON.stringify({ detail: 'too long: 10 tokens' })],
    [
      '{"detail": [{"msg"}]}',
      JSON.stringify({ detail: [{ loc: ['body', 'x'], msg: 'too long: 10 tokens' }] }),
    ],
    ['a text', 'too long: 10 tokens'],
    ['a page', '<!DOCTYPE html><html><head><title>too long: 10 tokens</title></head></html>'],
    ['lines', 'too long:\r\n  10 tokens'],
  ])('%s are in the message', async (_, error) => {
    for (const status of [400, 404, 422]) {
      const { ask } = await teacher({ fault: () => ({ status, error }) });
      expect((await failure(ask())).message).toMatch(
        new RegExp(`\\(HTTP ${status} (body\\.x: )?too long: 10 tokens\\)`),
      );
    }
  });

  it('are no more than a line', async () => {
    const { ask } = await teacher({ fault: () => ({ status: 400, error: 'why? '.repeat(1e6) }) });
    const { message } = await failure(ask());
    expect(message).toMatch(/HTTP 400 why\? why\?/);
    expect(message.length).toBeLessThan(600);
  });
});
