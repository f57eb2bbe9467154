/**
 * @file Text of others, shown as text. Preact writes no markup from strings; what is drawn passes `guardText` besides, which writes out
 * control characters and those that turn the direction of writing, and cuts what is too long for its place.
 */
import { Fragment, options, type ComponentChild, type VNode } from 'preact';
import { useState } from 'preact/hooks';
import { inLine, printable } from '../../util/printable.js';

/** Longest text outside of a block; whatever is longer is no label. */
const LONGEST = 1_000;
/** So much of a long text is shown until somebody asks for all of it. */
const CLIPPED = 4_000;
const ATTRIBUTES = ['title', 'aria-label', 'alt', 'placeholder'];

const guarded = (text: string, isBlock: boolean): string =>
  printable(isBlock || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`);

function guardedChildren(children: unknown, isBlock: boolean): unknown {
  if (typeof children === 'string') return guarded(children, isBlock);
  if (Array.isArray(children))
    return children.map((child: unknown) => (typeof child === 'string' ? guarded(child, isBlock) : child));
  return children;
}

/** Has every text and every label of the page pass `printable`, whoever draws it. */
export function guardText(): void {
  const before = options.vnode?.bind(options);
  options.vnode = (vnode: VNode) => {
    if (typeof vnode.type === 'string' || vnode.type === Fragment) {
      const props = vnode.props as Record<string, unknown>;
      props.children = guardedChildren(props.children, vnode.type === 'pre');
      for (const name of ATTRIBUTES) {
        const value = props[name];
        if (typeof value === 'string') props[name] = guarded(value, false);
      }
    }
    before?.(vnode);
  };
}

/** A name in one line, cut where it is long. */
export const short = (name: string, length = 60): string => inLine(name.slice(0, 4 * length), length);

/** A name of a run, a column or a problem; all of it, within reason, is in its title. */
export function Name({ of, length = 60 }: { of: string; length?: number }) {
  const shown = short(of, length);
  return (
    <bdi class="name" title={shown === of ? undefined : of.slice(0, 500)}>
      {shown === '' ? '(no name)' : shown}
    </bdi>
  );
}

/** A text in a block of its own, with its line ends; the beginning of a long one, and a button that shows the rest. */
export function LongText({ text, label }: { text: string; label: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > CLIPPED * 1.25;
  return (
    <div class="long-text">
      <pre tabIndex={0} aria-label={label}>
        {isLong && !isWhole ? `${text.slice(0, CLIPPED)} …` : text === '' ? '(empty)' : text}
      </pre>
      {isLong && (
        <button
          type="button"
          onClick={() => {
            setWhole(!isWhole);
          }}
        >
          {isWhole ? 'Show less' : `Show all ${text.length.toLocaleString('en')} characters`}
        </button>
      )}
    </div>
  );
}

/** A text with what was searched for marked in it. */
export function Marked({ text, query }: { text: string; query: string }): ComponentChild {
  const at = query === '' ? -1 : text.toLowerCase().indexOf(query.toLowerCase());
  if (at < 0) return <>{text}</>;
  const end = at + query.length;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </>
  );
}
