/** @file Bounds the work of a rendering: a template comes with a model, and may loop or grow without end. */

/** Bounds a text; a longer conversation fits no model, and a template that writes one is faulty. */
const MAX_CHARACTERS = 1 << 24;
/** Bounds a list. */
const MAX_ELEMENTS = 1 << 20;
/** Bounds the steps of a rendering to about two seconds; a long conversation takes about 10⁵. */
const MAX_STEPS = 6_000_000;
/** Bounds the calls of macros and recursive loops within each other. */
const MAX_DEPTH = 150;
/** How many characters of a new text cost a step. */
const CHARACTERS_A_STEP = 8;
/** How many characters that are looked at cost a step. */
const READ_A_STEP = 64;

/** A template cannot be read, refuses what it is given, or does what its language forbids. */
export class TemplateError extends Error {}

let steps = 0;
let depth = 0;

/** Counts the work of `run` afresh. Rendering waits for nothing, so that one count is enough for all. */
export function withBudget<T>(run: () => T): T {
  [steps, depth] = [0, 0];
  try {
    return run();
  } catch (error) {
    // The stack is full: something is nested thousands of times.
    if (error instanceof RangeError) throw new TemplateError('it nests too deeply');
    throw error;
  }
}

/** Counts steps. @throws TemplateError when there were too many */
export function spend(count: number): void {
  steps += count;
  if (steps > MAX_STEPS) throw new TemplateError('it takes too many steps');
}

/** Counts a call within the call under way. */
export function nested<T>(run: () => T): T {
  if (++depth > MAX_DEPTH) throw new TemplateError('it nests too deeply');
  try {
    return run();
  } finally {
    depth--;
  }
}

/** Counts a text that is about to be made, or added to one. Lengths are in UTF-16 units. */
export function allowText(length: number, before = 0): void {
  if (before + length > MAX_CHARACTERS) {
    throw new TemplateError(`it writes too much text, more than ${MAX_CHARACTERS} characters`);
  }
  spend(length / CHARACTERS_A_STEP);
}

/** Counts a text that is looked at. */
export function readText(length: number): void {
  spend(length / READ_A_STEP);
}

/** Counts a list that is about to be made. */
export function allowElements(count: number): void {
  if (count > MAX_ELEMENTS)
    throw new TemplateError(`it makes too much, a list of more than ${MAX_ELEMENTS} elements`);
  spend(count);
}
