/** Names of functions as LaTeX and people write them, and the name that the tree uses. */
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

/** Functions of one argument that is written behind them, with or without parentheses. */
const UNARY = new Set(
  (
    'sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh acosh atanh ' +
    'log ln exp Re Im arg sgn det rank tr'
  ).split(' '),
);

/** Functions of several arguments in parentheses. */
const VARIADIC = new Set(['max', 'min', 'gcd', 'lcm']);

/** The tree's name of the function written as `word`, or undefined where it names none. */
export function functionName(word: string): string | undefined {
  const name = Object.hasOwn(SPELLINGS, word) ? SPELLINGS[word]! : word;
  return UNARY.has(name) || VARIADIC.has(name) ? name : undefined;
}

export const isVariadic = (name: string): boolean => VARIADIC.has(name);

/** `sin` for `\sin^{-1}` → `asin`; undefined where there is no such inverse. */
export function inverseOf(name: string): string | undefined {
  return UNARY.has(`a${name}`) ? `a${name}` : undefined;
}
