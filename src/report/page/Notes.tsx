/** @file Sentences about what is left out of a view. */
import { short } from './text.js';

export const Notes = ({ notes }: { notes: readonly string[] }) => (
  <>
    {notes.map((note) => (
      <p key={note} class="note">
        {short(note, 700)}
      </p>
    ))}
  </>
);
