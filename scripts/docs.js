// Writes docs/recipes.md, docs/objectives.md, docs/comparing.md, docs/benchmarks.md and docs/studies.md, which are made of the schemas and definitions: `npm run docs`, which builds first.
import { writeFileSync } from 'node:fs';
import { benchmarksPage } from '../dist/benchmarks/reference.js';
import { comparingPage } from '../dist/pipeline/comparingPage.js';
import { objectivesPage } from '../dist/pipeline/objectivesPage.js';
import { recipesPage } from '../dist/pipeline/reference.js';
import { studiesPage } from '../dist/study/reference.js';

writeFileSync(new URL('../docs/recipes.md', import.meta.url), recipesPage());
writeFileSync(new URL('../docs/objectives.md', import.meta.url), objectivesPage());
writeFileSync(new URL('../docs/comparing.md', import.meta.url), comparingPage());
writeFileSync(new URL('../docs/benchmarks.md', import.meta.url), benchmarksPage());
writeFileSync(new URL('../docs/studies.md', import.meta.url), studiesPage());
