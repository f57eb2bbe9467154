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

const clipped = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`);

function clippedChildren(children: unknown): unknown {
  if (typeof children === 'string') return clipped(children);
  return Array.isArray(children) ? children.map(clippedChildren) : children;
}

/** Has every text and every label of the page pass `printable`, whoever draws it. */
export function guardText(): void {
  const before = options.vnode?.bind(options);
  options.vnode = (vnode: VNode) => {
    // Preact makes such a node of every text, wherever it comes from; its properties are the text.
    const node = vnode as { type: unknown; props: unknown };
    if (node.type === null) {
      if (typeof node.props === 'string') node.props = printable(node.props);
    } else if (typeof node.type === 'string' || node.type === Fragment) {
      const props = node.props as Record<string, unknown>;
      if (node.type !== 'pre') props.children = clippedChildren(props.children);
      for (const name of ATTRIBUTES) {
        const value = props[name];
        if (typeof value === 'string') props[name] = printable(clipped(value));
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
