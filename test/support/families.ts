import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Tiny models of every family with what `transformers` computes: test/oracles/families.py. */
const root = fileURLToPath(new URL('../fixtures/families', import.meta.url));

export const familyNames = readdirSync(root).sort();
export const familyDir = (name: string): string => join(root, name);

const readJson = (name: string, file: string): unknown =>
  JSON.parse(readFileSync(join(root, name, file), 'utf8'));

export interface ExpectedSequence {
  ids: Int32Array;
  /** [ids, vocabSize] */
  logits: Float32Array;
  /** logps[t] is of ids[t + 1]. */
  logps: number[];
}

export function expectedSequences(name: string): ExpectedSequence[] {
  const { sequences } = readJson(name, 'expected.json') as {
    sequences: { ids: number[]; logits: string; logps: number[] }[];
  };
  return sequences.map(({ ids, logits, logps }) => {
    const bytes = Uint8Array.from(Buffer.from(logits, 'base64'));
    return { ids: Int32Array.from(ids), logits: new Float32Array(bytes.buffer), logps };
  });
}

/** Gradients of the mean negative log-probability of ids[from..], in float64, by the parameters' names in files. */
export interface ExpectedGradients {
  ids: number[];
  from: number;
  loss: number;
  gradients: Record<
    string,
    { shape: number[]; norm: number; sum: number; entries: [index: number, value: number][] }
  >;
}

export const familiesWithGradients = familyNames.filter((name) =>
  readdirSync(familyDir(name)).includes('expected_grads.json'),
);
export const expectedGradients = (name: string): ExpectedGradients =>
  readJson(name, 'expected_grads.json') as ExpectedGradients;
