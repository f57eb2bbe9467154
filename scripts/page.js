// Bundles the page of a report (src/report/page) into dist/report/page.js and page.css, which src/report/html.ts writes into each report.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** What the licences of the libraries in the bundle ask for: their notice in every copy. */
const notices = ['preact', 'uplot'].map((name) => {
  const licence = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim();
  return `/*! ${name}: ${licence.replaceAll('*/', '* /')} */`;
});

await build({
  entryPoints: { page: join(root, 'src/report/page/main.tsx') },
  outdir: join(root, 'dist/report'),
  tsconfig: join(root, 'src/report/page/tsconfig.json'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome111', 'firefox119', 'safari17.4'], // the first with DecompressionStream and String.toWellFormed
  charset: 'ascii',
  legalComments: 'none',
  banner: { js: notices.join('\n') },
  logLevel: 'warning',
});
