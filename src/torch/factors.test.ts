import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import * as ops from './ops.js';

/** Whether a process has products and widens their factors, where oneDNN may use no more than these instructions. */
function choiceWith(instructions: string): unknown {
  const script = `import('./src/torch/ops.ts').then((ops) => {
    console.log(JSON.stringify([ops.hasProducts(), ops.widensFactors()]));
  });`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    env: { ...process.env, ONEDNN_MAX_CPU_ISA: instructions },
  });
  return JSON.parse(stdout === '' ? JSON.stringify(stderr) : stdout);
}

describe.skipIf(!ops.hasProducts())('the factors of products', () => {
  it.each(['AVX2', 'AVX512_CORE'])('are float32 on a processor without bf16 products: %s', (instructions) => {
    expect(choiceWith(instructions)).toEqual([true, true]);
  });
});
