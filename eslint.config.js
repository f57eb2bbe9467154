import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'dist-bench', 'scripts', 'node_modules', 'runs', 'bin', 'eslint.config.js'] },
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
);
