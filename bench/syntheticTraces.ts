/**
 * A synthetic OpenR1-Math-Raw: rows of its fields and of about its lengths, of made-up words, as Parquet. Written a row
 * group at a time; the same seed gives the same file.
 *
 *   tsx bench/syntheticTraces.ts FILE [--rows 100000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import { replaceFile, writeAll } from '../src/util/files.js';
import { Random } from '../src/util/random.js';

const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'OPTIONAL',
});
const list = (name: string, element: SchemaElement): SchemaElement[] => [
  { name, converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  element,
];
const verdicts = (name: string): SchemaElement[] =>
  list(name, { name: 'element', type: 'BOOLEAN', repetition_type: 'OPTIONAL' });

const COLUMNS: SchemaElement[][] = [
  ...['problem', 'solution', 'answer', 'problem_is_valid', 'source'].map((name) => [text(name)]),
  list('generations', text('element')),
  [{ name: 'generations_count', type: 'INT64', repetition_type: 'OPTIONAL' }],
  [
    { name: 'correctness', repetition_type: 'OPTIONAL', num_children: 3 },
    ...verdicts('llama_verification'),
    ...verdicts('math_verify_answer'),
    ...verdicts('math_verify_reparsed_answer'),
  ],
  list('reparsed_answers', text('element')),
];
const SCHEMA = [{ name: 'schema', num_children: COLUMNS.length }, ...COLUMNS.flat()];

/** Words as seldom as in real text: the first of the vocabulary most often. */
class Prose {
  readonly #words: string[];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    const letters = 'etaoinshrdlucmfwypvbgk';
    const word = () =>
      Array.from({ length: 2 + random.nextInt(8) }, () => letters[random.nextInt(22)]).join('');
    this.#words = Array.from({ length: 20_000 }, word);
  }

  /** @param words how many */
  write(words: number): string {
    const random = this.#random;
    const written: string[] = [];
    for (let i = 0; i < words; i++) {
      const kind = random.nextInt(20);
      if (kind === 0) written.push(`$x_{${random.nextInt(10)}} = ${random.nextInt(1000)}$`);
      else if (kind === 1) written.push(String(random.nextInt(10_000)));
      else written.push(this.#words[Math.floor(random.nextFloat() ** 3 * this.#words.length)]!);
      if (random.nextInt(15) === 0) written.push('\n');
    }
    return written.join(' ');
  }
}

const SOURCES = ['olympiads', 'cn_k12', 'aops_forum', 'cn_contest', 'amc_aime', 'number_theory'];
const VALID = ['Yes', 'Yes', 'Yes', 'Yes', 'Yes', 'Yes', 'Yes', 'Incomplete', 'Problem not solved'];

function* syntheticRows(rows: number, seed: number): Generator<Record<string, unknown>> {
  const random = new Random(seed);
  const prose = new Prose(random);
  const pick = <T>(of: readonly T[]): T => of[random.nextInt(of.length)]!;
  let before = 'none';
  for (let i = 0; i < rows; i++) {
    // 250 generations in 100 rows.
    const count = [1, 2, 2, 5][i % 4]!;
    const verdict = () => Array.from({ length: count }, () => random.nextFloat() < 0.65);
    const missing = random.nextInt(100) === 0;
    const repeated = random.nextInt(50) === 0;
    const problem: string = repeated ? before : `${i}: ${prose.write(20 + random.nextInt(60))}`;
    before = problem;
    yield {
      problem,
      solution: prose.write(100),
      answer: String(random.nextInt(1000)),
      problem_is_valid: pick(VALID),
      source: pick(SOURCES),
      generations: Array.from({ length: count }, () => {
        // Lengths spread as those of reasoning traces: most some thousand characters, a few very long ones.
        const words = Math.round(
          250 * Math.exp(1.5 * random.nextFloat() + (random.nextInt(50) === 0 ? 2.5 : 0)),
        );
        return `<think>\n${prose.write(words)}\n</think>\n\nThe answer is \\boxed{${random.nextInt(1000)}}.`;
      }),
      generations_count: BigInt(count),
      correctness: missing
        ? null
        : {
            llama_verification: verdict(),
            math_verify_answer: verdict(),
            math_verify_reparsed_answer: verdict(),
          },
      reparsed_answers: [String(random.nextInt(1000))],
    };
  }
}

/** Writes the file, row groups of 1,000 rows. */
export function writeSyntheticTraces(path: string, rows: number, seed: number): void {
  replaceFile(path, (fd) => {
    const writer = new ByteWriter();
    const flush = () => {
      writeAll(fd, writer.getBytes());
      writer.index = 0;
    };
    // No promise comes of rows that are there at once.
    void parquetWriteRows({
      writer: Object.assign(writer, { flush, finish: flush }),
      rows: syntheticRows(rows, seed),
      columns: COLUMNS.map(([column]) => ({ name: column!.name })),
      schema: SCHEMA,
      rowGroupSize: 1000,
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  });
  writeSyntheticTraces(positionals[0]!, Number(values.rows), Number(values.seed));
}
