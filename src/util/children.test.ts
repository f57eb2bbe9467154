import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { peakMemory, startProcess } from './children.js';

it('counts the memory of processes that it has started, also after their end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redistill-children-'));
  try {
    const program = join(folder, 'program.mjs');
    const size = Math.ceil(1.5 * process.resourceUsage().maxRSS * 1024);
    writeFileSync(program, `process.send(Buffer.alloc(${size}, 1).length, () => process.disconnect());`);
    const child = startProcess(pathToFileURL(program));
    const [length] = (await once(child, 'message')) as [number];
    await once(child, 'exit');
    expect(length).toBe(size);
    expect(peakMemory()).toBeGreaterThan(size);
    expect(process.resourceUsage().maxRSS * 1024, 'this process alone').toBeLessThan(size);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
