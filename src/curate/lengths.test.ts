import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chatDirectory } from '../../test/support/chatDirectory.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { lengthCounts, LengthMeter, type LengthCount } from './lengths.js';
import { ablation } from './rules/ablation.js';

/** Counted by transformers: test/oracles/curate_lengths.py. */
const directory = fileURLToPath(new URL('../../test/fixtures/lengths/', import.meta.url));
interface Case {
  problem: string;
  responses: string[];
  /** The prompt, then each response. */
  paper: number[];
  content: number[];
}
const cases = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8')) as Case[];

const said = (content: string) => ({ role: 'assistant', content });

async function measure(count: LengthCount): Promise<number[][]> {
  const meter = new LengthMeter(ChatTokenizer.load(directory));
  const items = cases.map(({ problem, responses }) => ({
    prompt: [{ role: 'user', content: problem }],
    responses: responses.map(said),
  }));
  return (await meter.measureParts(items, count)).map(({ prompt, responses }) => [prompt, ...responses]);
}

describe('LengthMeter', () => {
  it('counts as the paper’s code does', async () => {
    expect(await measure(lengthCounts.paper)).toEqual(cases.map(({ paper }) => paper));
  });

  it('counts the texts alone', async () => {
    expect(await measure(lengthCounts.content)).toEqual(cases.map(({ content }) => content));
  });

  it('counts as the ablation does', async () => {
    const asked = { count: lengthCounts.paper, limits: { prompt: 1, response: 2 }, sft: true };
    expect(await measure(ablation.lengths(asked).count)).toEqual(
      cases.map(({ content }) => content.map((tokens) => tokens + 1)),
    );
  });

  it('counts whole conversations as the template writes them', async () => {
    const tokenizer = ChatTokenizer.load(directory);
    const items = cases.map(({ problem, responses }) => ({
      prompt: [{ role: 'user', content: problem }],
      responses: responses.map(said),
    }));
    const expected = items.map(({ prompt, responses }) =>
      Promise.all(
        responses.map(async (response) => {
          const text = tokenizer.renderChat([...prompt, response]);
          return (await tokenizer.encode(text)).length;
        }),
      ),
    );
    const measured = await new LengthMeter(tokenizer).measureConversations(items);
    expect(measured).toEqual(await Promise.all(expected));
  });

  it('says what to do when the template refuses an answer on its own', async () => {
    const strict = chatDirectory(
      "{% if messages[0].role != 'user' %}{{ raise_exception('the user comes first') }}{% endif %}",
      ['<|end|>', '<|begin|>'],
    );
    const meter = new LengthMeter(ChatTokenizer.load(strict));
    await expect(
      meter.measureParts(
        [{ prompt: [{ role: 'user', content: 'q' }], responses: [said('x')] }],
        lengthCounts.paper,
      ),
    ).rejects.toThrow(/the user comes first; set "length_count" to content/);
    rmSync(strict, { recursive: true });
  });
});
