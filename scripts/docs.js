// Writes docs/recipes.md, docs/objectives.md, docs/comparing.md, docs/benchmarks.md, docs/studies.md and docs/api, which are made of the
// schemas, definitions and doc comments, and the picture of docs/guide: `npm run docs`, which builds first.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { benchmarksPage } from '../dist/benchmarks/reference.js';
import { comparingPage } from '../dist/pipeline/comparingPage.js';
import { objectivesPage } from '../dist/pipeline/objectivesPage.js';
import { recipesPage } from '../dist/pipeline/reference.js';
import { studiesPage } from '../dist/study/reference.js';
import { apiPages } from './api.js';
import { curvesPicture } from './curves.js';

writeFileSync(new URL('../docs/recipes.md', import.meta.url), recipesPage());
writeFileSync(new URL('../docs/objectives.md', import.meta.url), objectivesPage());
writeFileSync(new URL('../docs/comparing.md', import.meta.url), comparingPage());
writeFileSync(new URL('../docs/benchmarks.md', import.meta.url), benchmarksPage());
writeFileSync(new URL('../docs/studies.md', import.meta.url), studiesPage());

const api = new URL('../docs/api/', import.meta.url);
const { pages } = apiPages();
mkdirSync(api, { recursive: true });
for (const name of readdirSync(api)) if (!pages.has(name)) rmSync(new URL(name, api));
for (const [name, text] of pages) writeFileSync(new URL(name, api), text);

const images = new URL('../docs/guide/images/', import.meta.url);
writeFileSync(
  new URL('curves.svg', images),
  curvesPicture(JSON.parse(readFileSync(new URL('curves.json', images), 'utf8'))),
);
