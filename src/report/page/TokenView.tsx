/** @file A response in its tokens, each with a colour and a number that keys and the pointer read, or as a text where tokens are not known. */
import { useState } from 'preact/hooks';
import type { TokenColumn, TokenText, Trace } from '../model.js';
import { brief, count } from './numbers.js';
import { own } from '../../util/own.js';
import { inLine } from '../../util/printable.js';
import { short } from './text.js';
import { levelOf, valuesOf, type Colouring } from './tokens.js';

/** Tokens, and characters, that are shown until somebody asks for all. */
const [CLIPPED, CLIPPED_TEXT] = [1_500, 6_000];

/** Where two responses part. */
const Parting = () => (
  <span class="parting" role="note">
    ◆ here they part
  </span>
);

/** A token as it is shown: line ends are marked, and what is nothing is a sign. */
export const shownToken = (text: string): string => (text === '' ? '∅' : text.replace(/\n/g, '↵\n'));

const classOf = (level: number, weight: number): string => {
  const colour = level === 0 ? '' : level > 0 ? ` up-${level}` : ` down-${-level}`;
  return `tok${colour}${weight === 0 ? ' masked' : ''}`;
};

interface Reading {
  tokens: TokenText;
  columns: readonly TokenColumn[];
  values: readonly (number | null)[] | undefined;
  at: number;
}

/** The numbers of one token in words. */
function Read({ tokens, columns, values, at }: Reading) {
  const numbers = columns.flatMap(({ key, name }) => {
    const value = own(tokens.columns, key)?.[at];
    return value === undefined ? [] : [`${short(name, 40)} ${brief(value)}`];
  });
  const weight = tokens.weights?.[at];
  return (
    <>
      token {count(at + 1)} of {count(tokens.texts.length)}, “{inLine(tokens.texts[at]!, 40)}”
      {values && <>: {brief(values[at])}</>}
      {numbers.length > 0 && ` (${numbers.join(', ')})`}
      {weight !== undefined && (weight === 0 ? ', masked' : `, weight ${brief(weight)}`)}
    </>
  );
}

export interface TokensProps {
  tokens: TokenText;
  columns: readonly TokenColumn[];
  colouring: Colouring;
  full: number;
  parting: number | undefined;
  label: string;
}

export function Tokens({ tokens, columns, colouring, full, parting, label }: TokensProps) {
  const [isWhole, setWhole] = useState(false);
  const [at, setAt] = useState<number>();
  const { texts, weights } = tokens;
  const values = valuesOf(tokens, colouring);
  const shown = isWhole ? texts.length : Math.min(texts.length, CLIPPED);
  const step = (by: number) => {
    setAt(Math.min(shown - 1, Math.max(0, (at ?? (by > 0 ? -1 : shown)) + by)));
  };
  const pointed = (event: Event) => {
    const place = (event.target as HTMLElement).dataset.i;
    if (place !== undefined) setAt(Number(place));
  };
  return (
    <div class="long-text">
      <pre
        class="tokens"
        tabIndex={0}
        role="group"
        aria-label={`${label}: arrow keys go from token to token`}
        onClick={pointed}
        onMouseOver={pointed}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
          event.preventDefault();
          step(event.key === 'ArrowRight' ? 1 : -1);
        }}
      >
        {texts.slice(0, shown).map((text, i) => (
          <>
            {i === parting && <Parting />}
            <span
              key={i}
              data-i={i}
              class={`${classOf(levelOf(values?.[i], full), weights?.[i] ?? 1)}${i === at ? ' at' : ''}`}
            >
              {shownToken(text)}
            </span>
          </>
        ))}
        {shown < texts.length && ' …'}
      </pre>
      <p class="note reading" role="status">
        {at === undefined ? (
          'Point at a token, or go through them with arrow keys, to read its numbers.'
        ) : (
          <Read {...{ tokens, columns, values, at }} />
        )}
      </p>
      {texts.length > CLIPPED && (
        <button
          type="button"
          onClick={() => {
            setWhole(!isWhole);
          }}
        >
          {isWhole ? 'Show less' : `Show all ${count(texts.length)} tokens`}
        </button>
      )}
    </div>
  );
}

/** A response whose tokens are not known. */
export function PlainTrace({
  trace,
  parting,
  label,
}: {
  trace: Trace;
  parting: number | undefined;
  label: string;
}) {
  const [isWhole, setWhole] = useState(false);
  const { text } = trace;
  const isLong = text.length > CLIPPED_TEXT * 1.25;
  const shown = isLong && !isWhole ? `${text.slice(0, CLIPPED_TEXT)} …` : text;
  const at = parting ?? shown.length;
  return (
    <div class="long-text">
      <pre tabIndex={0} role="group" aria-label={label}>
        {shown.slice(0, at)}
        {parting !== undefined && parting < shown.length && <Parting />}
        {shown.slice(at)}
        {text === '' && '(empty)'}
      </pre>
      {isLong && (
        <button
          type="button"
          onClick={() => {
            setWhole(!isWhole);
          }}
        >
          {isWhole ? 'Show less' : `Show all ${count(text.length)} characters`}
        </button>
      )}
    </div>
  );
}
