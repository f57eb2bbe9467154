/** @file Lists the names of the functions that the grammar knows. */

/** Maps names of functions as LaTeX and people write them to the names that the tree uses. */
const SPELLINGS: Readonly<Record<string, string>> = {
  arcsin: 'asin',
  arccos: 'acos',
  arctan: 'atan',
  arccot: 'acot',
  arcsec: 'asec',
  arccsc: 'acsc',
  arctg: 'atan',
  tg: 'tan',
  ctg: 'cot',
  cotg: 'cot',
  cosec: 'csc',
  sh: 'sinh',
  ch: 'cosh',
  arcsinh: 'asinh',
  arccosh: 'acosh',
  arctanh: 'atanh',
  arsinh: 'asinh',
  arcosh: 'acosh',
  artanh: 'atanh',
  lg: 'log',
};

/** Functions of one argument, which follows with or without parentheses. */
const UNARY = new Set(
  (
    'sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh acosh atanh ' +
    'log ln exp Re Im arg sgn det rank tr'
  ).split(' '),
);

/** Functions of several arguments in parentheses. */
const VARIADIC = new Set(['max', 'min', 'gcd', 'lcm']);

/** Gives the tree's name for the function that is written as `word`; undefined where it is not one. */
export function functionName(word: string): string | undefined {
  const name = Object.hasOwn(SPELLINGS, word) ? SPELLINGS[word]! : word;
  return UNARY.has(name) || VARIADIC.has(name) ? name : undefined;
}

export const isVariadic = (name: string): boolean => VARIADIC.has(name);

/** Gives the inverse that `\sin^{-1}` means: `sin` → `asin`. Undefined where there is none. */
export function inverseOf(name: string): string | undefined {
  return UNARY.has(`a${name}`) ? `a${name}` : undefined;
}
