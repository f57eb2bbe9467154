import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { savedFiles } from '../../models/modelFiles.js';
import { stateFiles } from '../../train/stateFolder.js';
import { removeOwn } from '../../util/ownFolder.js';
import { trainStage } from './train.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-left-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** What a killed process may leave in a run's folder, by the names that proofs.ts and saving.ts give. */
const left = [
  ...[
    'model.partial',
    'model.earlier.partial',
    'best.removed.partial',
    'checkpoints/step-3.partial',
    'checkpoints/step-3.earlier.partial',
    'checkpoints/step-3.removed.partial',
    'proof.partial',
    'best.previous-2',
  ].map((folder) => `${folder}/${savedFiles[0]}`),
  ...['states/step-3.partial', 'states/step-3.earlier.partial', 'states/step-3.removed.partial'].map(
    (folder) => `${folder}/${stateFiles[0]}`,
  ),
];

it.each(left)('a folder with %s, which a killed run has left, is still its own', (file) => {
  const run = join(root, 'run');
  mkdirSync(dirname(join(run, file)), { recursive: true });
  writeFileSync(join(run, file), 'x');
  writeFileSync(join(run, 'redistill.json'), JSON.stringify({ made_by: 'redistill', command: 'train' }));
  removeOwn(run, { command: 'train', ...trainStage });
  expect(existsSync(run)).toBe(false);
});
