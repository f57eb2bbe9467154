/** @file Defines the errors of latexToText.ts. */

/** The text cannot be converted: pylatexenc raises an error for it, or it exceeds the limits of latexToText.ts. */
export class LatexError extends Error {
  override name = 'LatexError';
}

/** The text ends although a command needs an argument. */
export class MissingArgument extends LatexError {
  override name = 'MissingArgument';

  constructor() {
    super('an argument is missing');
  }
}
