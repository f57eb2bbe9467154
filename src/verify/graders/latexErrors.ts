/** A text that cannot be converted: pylatexenc raises an error, or it goes beyond the limits here. */
export class LatexError extends Error {
  override name = 'LatexError';
}

/** The text ends where a command needs an argument. */
export class MissingArgument extends LatexError {
  override name = 'MissingArgument';

  constructor() {
    super('an argument is missing');
  }
}
