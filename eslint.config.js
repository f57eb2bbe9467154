import tseslint from 'typescript-eslint';

/** Whether a source has to open with a `@file` comment, and private members have to be `#name`. */
const HEADS_AND_PRIVATE_NAMES = true;

/** The first thing in a source is a comment that says what lives there. */
const fileHead = {
  create: (context) => ({
    Program(node) {
      if (!/^\/\*\*\s+(\* )?@file (?!\*\/)\S/.test(context.sourceCode.text)) {
        context.report({ node, message: 'Begin the file with /** @file … */: what lives here.' });
      }
    },
  }),
};

const headsAndPrivateNames = [
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['**/*.test.ts'],
    plugins: { redistill: { rules: { 'file-head': fileHead } } },
    rules: { 'redistill/file-head': 'error' },
  },
  {
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: '[accessibility="private"]:not([kind="constructor"])',
          message: 'A private member is #name.',
        },
      ],
    },
  },
];

const noWrites = ['stdout', 'stderr'].map((property) => ({
  object: 'process',
  property,
  message: 'Print through src/util/output.ts: no text from outside may steer a terminal.',
}));

/** What the program says goes through one file. */
const oneOutput = {
  files: ['src/**/*.{ts,tsx}'],
  ignores: ['**/*.test.ts', 'src/util/output.ts'],
  rules: {
    'no-console': 'error',
    'no-restricted-properties': ['error', ...noWrites],
    'no-restricted-imports': ['error', 'process', 'node:process', 'console', 'node:console'],
  },
};

export default tseslint.config(
  {
    ignores: [
      'dist',
      'dist-bench',
      'scripts',
      'node_modules',
      'runs',
      'bin',
      'examples/*.js',
      'test/oracles',
      'eslint.config.js',
      'stryker.config.js',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Indices are bounds-checked by the loops that make them; numeric code is unreadable without `!`.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  oneOutput,
  ...(HEADS_AND_PRIVATE_NAMES ? headsAndPrivateNames : []),
);
