import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { ChatTemplate, type Rendered, type RowMessage } from './template.js';

/** A Python with transformers and trl. */
const python = process.env.REDISTILL_ORACLE_PYTHON ?? '';
if (python === '') {
  console.warn(
    "skipped: TRL's chat templates are not compared, since REDISTILL_ORACLE_PYTHON names no Python with transformers and trl",
  );
}

const script = fileURLToPath(new URL('../../test/oracles/chat_templates.py', import.meta.url));

interface Result {
  template: string;
  conversation: string;
  kwargs: Record<string, unknown>;
  prompt: boolean;
  text?: string;
  spans?: [number, number][];
  error?: string;
}
interface Oracle {
  special: Record<string, string>;
  templates: Record<string, string>;
  conversations: Record<string, { messages: RowMessage[]; tools?: unknown[] }>;
  results: Result[];
}

describe.skipIf(python === '')("TRL's chat templates", () => {
  let oracle: Oracle;

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(python, [script, '--trl'], { maxBuffer: 1 << 28 });
    oracle = JSON.parse(stdout) as Oracle;
  });

  function ours(template: ChatTemplate, { conversation, kwargs, prompt }: Result): Rendered | UserError {
    const { messages, tools } = oracle.conversations[conversation]!;
    try {
      return template.renderMarked(messages, { tools, kwargs, addGenerationPrompt: prompt });
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  it('write what transformers makes of them, and mark the same parts, or refuse both', () => {
    const templates = new Map(
      Object.entries(oracle.templates).map(([name, source]) => [
        name,
        new ChatTemplate(source, name, oracle.special),
      ]),
    );
    const counts = { equal: 0, refusedByBoth: 0, refusedByUs: 0 };
    const different: unknown[] = [];
    for (const result of oracle.results) {
      const got = ours(templates.get(result.template)!, result);
      if (got instanceof UserError) {
        expect(got.message).toContain(result.template);
        counts[result.error === undefined ? 'refusedByUs' : 'refusedByBoth']++;
        continue;
      }
      const spans = got.generated.map(({ start, end }) => [start, end]);
      const isEqual = got.text === result.text && JSON.stringify(spans) === JSON.stringify(result.spans);
      if (isEqual) counts.equal++;
      else different.push({ ...result, ours: got.text, ourSpans: spans });
    }
    console.warn(`${templates.size} templates: ${JSON.stringify(counts)}, different: ${different.length}`);
    expect(templates.size).toBeGreaterThanOrEqual(53);
    expect(different.slice(0, 5)).toEqual([]);
    expect(counts.refusedByUs).toBe(0);
    expect(counts.equal).toBeGreaterThan(counts.refusedByBoth);
  });
});
