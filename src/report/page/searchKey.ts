/** @file Puts the cursor into a search that may not be drawn yet; keys that are typed until it is go into it. */
import { isTyping } from './keys.js';

/** After so long the view has no search. */
const WAIT_MS = 5_000;

const boxInSight = (): HTMLInputElement | undefined =>
  [...document.querySelectorAll<HTMLInputElement>('input[type=search]')].find((box) => box.checkVisibility());

/** What was typed while there was no box, as it would stand there. */
class Typed {
  #text = '';
  #isSent = false;

  /** @returns whether the key would have been one of the box */
  take({ key }: KeyboardEvent): boolean {
    if (key === 'Enter') this.#isSent = true;
    else if (key === 'Backspace') this.#text = this.#text.replace(/.$/su, '');
    else if (/^.$/su.test(key)) this.#text += key;
    else return false;
    return true;
  }

  putInto(box: HTMLInputElement): void {
    box.focus();
    if (this.#text !== '') {
      box.value += this.#text;
      box.dispatchEvent(new InputEvent('input', { bubbles: true, data: this.#text }));
    }
    // As after a key: what was typed has been taken up by then.
    if (this.#isSent)
      setTimeout(() => {
        box.form?.requestSubmit();
      });
  }
}

let end: (() => void) | undefined;

/**
 * Puts the cursor into the search of this view.
 * @param otherwise the address of a view that has one, where this has none
 */
export function focusSearch(otherwise: string | undefined, go: (to: string) => void): void {
  end?.();
  const here = boxInSight();
  here?.focus();
  if (here || otherwise === undefined) return;
  const typed = new Typed();
  const listen = (event: KeyboardEvent) => {
    const isChord = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState('AltGraph');
    if (isChord || event.isComposing || isTyping(event.target)) return;
    if (event.key === 'Escape') end?.();
    else if (!typed.take(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const look = () => {
    const box = boxInSight();
    if (!box) return;
    end?.();
    typed.putInto(box);
  };
  // After what is drawn, and before it is painted.
  const observer = new MutationObserver(look);
  const timer = setTimeout(() => end?.(), WAIT_MS);
  end = () => {
    end = undefined;
    clearTimeout(timer);
    observer.disconnect();
    removeEventListener('keydown', listen, true);
  };
  addEventListener('keydown', listen, true);
  observer.observe(document.body, { subtree: true, childList: true, attributes: true });
  go(otherwise);
}
