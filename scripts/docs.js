// Writes docs/recipes.md, whose content is made of the schemas: `npm run docs`, which builds first.
import { writeFileSync } from 'node:fs';
import { recipesPage } from '../dist/pipeline/reference.js';

writeFileSync(new URL('../docs/recipes.md', import.meta.url), recipesPage());
