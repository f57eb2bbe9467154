/** @file Writes the summary and the rows as one HTML page, without scripts or other files. */

import type { Examination, ShownRow } from './examine.js';
import { facts, headline, place } from './print.js';
import { shorten, visible, type Gap, type Span } from './spans.js';
import { tokens } from './terminal.js';

/** Pieces kept at each end of a prompt or a response. */
const KEEP = 400;

/** Writes the page, with the trained tokens coloured. */
export function htmlPage({ summary, shown }: Examination): string {
  const shares = summary.trained_share;
  const most = Math.max(1, ...shares);
  const bars = shares.map(
    (n, tenth) =>
      `<td><div class="bar" style="height:${((60 * n) / most).toFixed(1)}px"></div>${n}<br><small>${10 * tenth}–${10 * tenth + 10} %</small></td>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(summary.file)}: training rows</title>
<style>${STYLE}</style>
<h1>${escape(summary.file)}</h1>
<p>${escape(headline(summary))}</p>
<table class="facts">${facts(summary)
    .map(([label, text]) => `<tr><th>${escape(label)}<td>${escape(text)}`)
    .join('\n')}</table>
<h2>Share of a row's tokens that is trained</h2>
<table class="bars"><tr>${bars.join('')}</table>
<h2>Findings</h2>
${summary.problems.length === 0 ? '<p>None.</p>' : ''}
${summary.problems
  .map(
    (group) => `<section class="${group.severity}"><h3>${group.severity} ${group.code}: ${place(group)}</h3>
<p>${escape(group.meaning)} <b>Here:</b> ${escape(group.detail)}.</p>
<p><b>What to do:</b> ${escape(group.advice)}</p></section>`,
  )
  .join('\n')}
<h2>Rows</h2>
<p>Grey text is read, <span class="demonstration"><i class="t">green</i></span> text is learned,
<span class="rejected"><i class="t">red</i></span> text is unlearned; special tokens are framed. Shades separate the tokens;
point at one to see its id.</p>
${shown.map(article).join('\n')}
</html>
`;
}

function article({ verdict: { line, verdict, problems }, responses }: ShownRow): string {
  const found = problems.map(
    ({ severity, code, side, detail }) =>
      `<li class="${severity}">${severity} ${code}: ${side === undefined ? '' : `${side}: `}${escape(detail)}`,
  );
  return `<article><h3>Line ${line}: ${verdict}</h3><ul>${found.join('')}</ul>
${responses
  .map(
    ({
      role,
      spans,
    }) => `<h4>${role}: ${tokens(spans, false)} tokens of prompt, ${tokens(spans, true)} trained</h4>
<div class="text ${role}">${shorten(spans, KEEP).map(piece).join('')}</div>`,
  )
  .join('\n')}</article>`;
}

function piece(span: Span | Gap): string {
  const trained = span.trained ? ' class="t"' : '';
  if ('skipped' in span) return `<b${trained}> … ${span.skipped} tokens … </b>`;
  const classes = [...(span.trained ? ['t'] : []), ...(span.special ? ['s'] : [])].join(' ');
  return `<i${classes === '' ? '' : ` class="${classes}"`} title="${span.ids.join(' ')}">${escape(visible(span.text))}</i>`;
}

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);

const STYLE = `
:root { color-scheme: light dark; --read: #6b7280; --a: #16a34a26; --b: #16a34a45; --c: #dc262626; --d: #dc262645; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin-top: 2rem } h3, h4 { font-size: 1rem; margin: .6rem 0 .3rem }
table { border-collapse: collapse } .facts th { text-align: left; padding-right: 1.5rem; vertical-align: top; white-space: nowrap; font-weight: 600 }
.bars td { vertical-align: bottom; text-align: center; padding: 0 .4rem; min-width: 3.2rem } .bar { background: #16a34a; margin: 0 auto; width: 1.6rem }
section { border-left: 4px solid; padding-left: .8rem; margin: 1rem 0 } section p { margin: .2rem 0 }
section.error { border-color: #dc2626 } section.warning { border-color: #d97706 } li.error { color: #dc2626 } li.warning { color: #b45309 }
article { border-top: 1px solid var(--line); margin-top: 1.2rem; padding-top: .4rem }
.text { font: 13px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: 6px; padding: .6rem; max-height: 40rem; overflow: auto }
i { font-style: normal; color: var(--read) } .t { color: inherit; background: var(--a) } .t:nth-child(even) { background: var(--b) }
.rejected .t { background: var(--c) } .rejected .t:nth-child(even) { background: var(--d) }
.s { outline: 1px solid currentColor; outline-offset: 1px; border-radius: 2px; margin: 0 2px }
`;
