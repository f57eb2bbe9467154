/**
 * @file Exports what reads recipes and checks settings against their schemas. Loads no libtorch; this is
 * `redistill/recipe`.
 */
/// <reference types="node" preserve="true" />

export { describeKeys, type KeyDescription } from './describe.js';
export { parseRecipe, type ParseOptions } from './parse.js';
export { readRecipe, type Recipe, type RecipeSource } from './recipe.js';
