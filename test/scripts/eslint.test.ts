import { ESLint } from 'eslint';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const RULES = new Set([
  ...['redistill/file-head', 'no-restricted-syntax'],
  ...['no-console', 'no-restricted-properties', 'no-restricted-imports'],
]);

/** What the project's configuration says about a text in the place of a source, without the rules that need types. */
async function messages(path: string, text: string): Promise<string[]> {
  const eslint = new ESLint({
    cwd: root,
    overrideConfig: [{ languageOptions: { parserOptions: { projectService: false } } }],
    ruleFilter: ({ ruleId }) => RULES.has(ruleId),
  });
  const [result] = await eslint.lintText(text, { filePath: path });
  return result!.messages.map(({ line, message }) => `${line}: ${message}`);
}

test('a source begins with a comment that says what lives there', async () => {
  const refused = '1: Begin the file with /** @file … */: what lives here.';
  expect(await messages('src/util/errors.ts', '/** @file Errors. */\nexport {};\n')).toEqual([]);
  expect(
    await messages('src/util/errors.ts', '/**\n * @file Errors,\n * and more.\n */\nexport {};\n'),
  ).toEqual([]);
  expect(await messages('src/util/errors.ts', 'export {};\n')).toEqual([refused]);
  expect(await messages('src/util/errors.ts', '/** Errors. */\nexport {};\n')).toEqual([refused]);
  expect(await messages('src/util/errors.ts', "import 'fs';\n/** @file Late. */\n")).toEqual([refused]);
  expect(await messages('src/util/errors.ts', '/** @file */\nexport {};\n')).toEqual([refused]);
  expect(await messages('src/util/random.test.ts', 'export {};\n')).toEqual([]);
  expect(await messages('test/support/zip.ts', 'export {};\n')).toEqual([]);
});

test('private members are #name', async () => {
  const text = `/** @file Boxes. */
export class Box {
  private a = 1;
  constructor(private b: number, readonly c: number) {}
  private d(): void {}
  #e = 2;
  protected f = 3;
}
export class Single {
  private constructor() {}
}
`;
  expect(await messages('src/util/errors.ts', text)).toEqual(
    [3, 4, 5].map((line) => `${line}: A private member is #name.`),
  );
});

test('only one file writes to standard output and standard error', async () => {
  const text = `/** @file Talks. */
import { stdout } from 'node:process';
stdout.write('a');
process.stdout.write('a');
process['stderr'].write('b');
const { stderr } = process;
stderr.write('c');
console.log('d');
`;
  const said = await messages('src/cli/table.ts', text);
  expect(said.map((message) => Number.parseInt(message))).toEqual([2, 4, 5, 6, 8]);
  expect(said[1]).toContain('Print through src/util/output.ts');
  expect(await messages('src/util/output.ts', text)).toEqual([]);
  expect(await messages('src/cli/table.test.ts', text)).toEqual([]);
});
