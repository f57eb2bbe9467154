/** @file Finds words that do not agree with the number before them: "1 rows", "2 row", "1 run stand". */

/** Words of one that end in s. */
const OF_ONE = ['is', 'was', 'has', 'does', 'this', 'its', 'as', 'shares', 'stands', 'loss', 'pass', 'bias'];
/** What comes between a number and its noun. */
const BETWEEN = '(?:(?:more|other|further|right|wrong|rejected|chosen) )*';
const NOUNS = [
  ...['problem', 'row', 'trace', 'pair', 'run', 'step', 'seed', 'arm', 'task', 'response', 'evaluation'],
  ...['answer', 'candidate', 'token', 'file', 'stage', 'result', 'comparison', 'remark', 'sample'],
];

/** What does not agree in a text, each with its number. */
export function disagreementsIn(text: string): string[] {
  const one = String.raw`(?<![\w.,−+–-])1 ${BETWEEN}`;
  const all = (pattern: string) => [...text.matchAll(new RegExp(pattern, 'g'))];
  return [
    ...all(`${one}([a-z]+s)\\b`).filter(([, word]) => !OF_ONE.includes(word!)),
    ...all(`${one}[a-z]+ (?:stand|are|were|have|do|share)\\b`),
    ...all(String.raw`(?<![\w.,−+–-])1 of [\d,]+ [a-z]+ (?:are|were|have|do)\b`),
    ...all(String.raw`(?<![\w.])(?:0|[2-9]|\d[\d,]*\d) ${BETWEEN}(?:${NOUNS.join('|')})\b`),
  ].map(([found]) => found);
}
