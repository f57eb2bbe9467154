import type { Role } from '../objectives/objective.js';
import { visible } from './spans.js';

/** `error`: training on it would teach something wrong in silence, or cannot be done. `warning`: look at it. */
export type Severity = 'error' | 'warning';

interface Kind {
  severity: Severity;
  meaning: string;
  advice: string;
}

/** Everything that the doctor can find, what it means and what to do about it. */
export const findingKinds = {
  'unreadable-row': {
    severity: 'error',
    meaning: 'These lines are no training rows.',
    advice: 'Mend or remove them; a row has messages, prompt and completion, or prompt, chosen and rejected.',
  },
  roles: {
    severity: 'error',
    meaning: 'Roles are out of order: system messages first, then user and assistant in turn.',
    advice: 'Look for messages that were lost, doubled or mislabelled when the rows were made.',
  },
  'empty-answer': {
    severity: 'error',
    meaning: 'An answer is empty: only the end token would be learned from it.',
    advice: 'Remove these rows, and look why the teacher said nothing.',
  },
  'identical-halves': {
    severity: 'error',
    meaning: 'Chosen and rejected are the same text: what one side teaches the other takes back.',
    advice: 'Remove these pairs.',
  },
  'different-prompts': {
    severity: 'error',
    meaning: 'Chosen and rejected answer different prompts, so they cannot be compared.',
    advice: 'Pair answers of one prompt, with the same messages before the answer.',
  },
  'template-refuses': {
    severity: 'error',
    meaning: "The model's chat template refuses these messages.",
    advice: 'Change the messages as its words say, or give the model a template that takes them.',
  },
  'template-rewrites': {
    severity: 'error',
    meaning:
      'The chat template writes the row differently than it is, so what is trained cannot be told apart.',
    advice: 'Use a template that leaves prompt and answer as they are, or rows of plain text.',
  },
  'thinking-dropped': {
    severity: 'error',
    meaning: 'The chat template leaves the thinking of the answer out: the student would learn bare answers.',
    advice: 'Use a template that keeps <think>…</think> in the last turn, or rows of plain text.',
  },
  'history-thinking-dropped': {
    severity: 'warning',
    meaning: 'The chat template leaves thinking out of earlier turns, in training as in generation.',
    advice: 'Nothing, if the student shall not see its earlier thinking; else change the template.',
  },
  'end-not-trained': {
    severity: 'error',
    meaning: 'No token that ends a turn or a text is trained: the student would never stop.',
    advice:
      'Let the template write an end token behind answers, and name eos_token in tokenizer_config.json.',
  },
  'end-not-a-stop': {
    severity: 'warning',
    meaning: "The token that ends trained answers is no end token in the model's own files.",
    advice:
      "Other tools will not stop there: add its id to eos_token_id in the trained model's generation_config.json.",
  },
  'two-bos': {
    severity: 'error',
    meaning: 'Rows begin with more than one BOS token, which the student never saw and will not see.',
    advice: 'Take the token out of the texts or of the chat template: it must be written in one place.',
  },
  'no-bos': {
    severity: 'error',
    meaning: "Rows do not begin with the BOS token that this model's tokenizer begins every text with.",
    advice: 'Let the chat template begin with {{ bos_token }}, or write the token into plain texts.',
  },
  'generation-prompt-trained': {
    severity: 'error',
    meaning:
      'The header of the answer is trained: the chat template has no generation prompt that ends before it.',
    advice: 'Let the template write the header under {% if add_generation_prompt %}.',
  },
  'prompt-not-prefix': {
    severity: 'error',
    meaning: 'The tokens before the answer are not those that generation starts from.',
    advice: 'Use a template that writes a prompt alike with and without its answer.',
  },
  'boundary-merge': {
    severity: 'warning',
    meaning:
      'A token would reach over the boundary of prompt and answer; they are tokenised apart here, as in generation, but not in other tools.',
    advice: 'Strip the white space at the beginning of answers.',
  },
  'empty-thought': {
    severity: 'warning',
    meaning: 'The chat template puts an empty thought before the answer, and it is trained.',
    advice: 'Good for a student that shall not think; else give answers with their thinking.',
  },
  'too-long': {
    severity: 'warning',
    meaning: 'Rows are longer than the limit: training leaves them out.',
    advice: 'Raise max_length, if the model and the memory allow it, or accept that long traces are missing.',
  },
  'nothing-fits': {
    severity: 'error',
    meaning: 'Every row is longer than the limit: there is nothing to train on.',
    advice: 'Raise max_length, or take a model with more positions.',
  },
  vocabulary: {
    severity: 'error',
    meaning: 'The tokenizer gives ids that the model has no embeddings for.',
    advice: "Use the model's own tokenizer, or resize its embeddings.",
  },
  'control-token': {
    severity: 'error',
    meaning: 'A text has a special token written in it, which the tokenizer takes for a real one.',
    advice: 'Remove it: an end token inside a trace teaches to stop there, a header begins another turn.',
  },
  'thinking-unclosed': {
    severity: 'error',
    meaning: '<think> is opened and never closed in an answer to learn: the student would not stop thinking.',
    advice: 'Remove these traces; they were cut off.',
  },
  'thinking-unopened': {
    severity: 'warning',
    meaning: 'An answer closes a thought that nothing has opened.',
    advice: 'The teacher was started behind <think>: put it back at the beginning of the trace.',
  },
  'cut-off': {
    severity: 'error',
    meaning: 'An answer to learn was cut off: the end token behind it teaches to stop in the middle.',
    advice: 'Remove these traces, or collect them again with more tokens.',
  },
  'broken-text': {
    severity: 'warning',
    meaning: 'Texts have characters that were broken on the way, or that nobody sees.',
    advice: 'Read the source again with its own encoding (UTF-8, mostly), and take invisible characters out.',
  },
  'mask-share': {
    severity: 'warning',
    meaning: 'Rows of long prompts have hardly any tokens to train.',
    advice: 'Look whether their answers are whole, and whether such prompts were meant.',
  },
  'little-trained': {
    severity: 'warning',
    meaning: 'Over all rows, hardly any of the tokens are trained.',
    advice: 'Shorten the prompts, if that was not meant: nearly all of the computation goes into them.',
  },
  'wrong-label': {
    severity: 'error',
    meaning: 'The row is marked wrong, and training would teach its answer.',
    advice: 'Take rows with right answers, or make pairs: the wrong one is the rejected side.',
  },
  'label-disagrees': {
    severity: 'error',
    meaning: 'A fresh verification against the answer of the row says otherwise than the row.',
    advice: 'Look at the rows: what is called right would be pushed up, what is called wrong down.',
  },
  'duplicate-row': {
    severity: 'warning',
    meaning: 'Rows are there more than once, and would count as often.',
    advice: 'Remove all but one of each.',
  },
  'duplicate-prompt': {
    severity: 'warning',
    meaning: 'Prompts are there more than once, with other answers.',
    advice: 'Nothing, if several traces of a problem were meant: it counts as often as it has rows.',
  },
  'evaluation-problem': {
    severity: 'error',
    meaning: 'Prompts are problems of an evaluation set: its results would mean nothing.',
    advice: 'Remove these rows, or evaluate on something else.',
  },
  'evaluation-overlap': {
    severity: 'warning',
    meaning: 'Prompts share eight words in a row with a problem of an evaluation set.',
    advice: 'Compare them: a problem in other words spoils the evaluation, a common phrase does not.',
  },
  'mixed-kinds': {
    severity: 'warning',
    meaning: 'Some rows are pairs and some have one answer.',
    advice: 'Objectives over pairs refuse such a file: split it. Fine-tuning takes the chosen sides.',
  },
  'length-bias': {
    severity: 'warning',
    meaning: 'One side of the pairs is nearly always the longer one: length alone tells them apart.',
    advice: 'Balance the pairs, or use an objective that divides by length.',
  },
} as const satisfies Record<string, Kind>;

export type FindingCode = keyof typeof findingKinds;

/** Something found, in a row or in the file. */
export interface Finding {
  code: FindingCode;
  /** What is wrong in this place. */
  detail: string;
  /** The side of a pair that has it, where it is not the whole row. */
  side?: Role;
}

export const severityOf = (code: FindingCode): Severity => findingKinds[code].severity;

/** The detail may quote the data: it becomes one line that can be shown anywhere. */
export function finding(code: FindingCode, detail: string): Finding {
  return { code, detail: visible(detail.replace(/\s+/gu, ' ')) };
}

/** The same of one answer: of a pair it is said which. */
export function ofSide(found: Finding, role: Role): Finding {
  return role === 'demonstration' ? found : { ...found, side: role };
}
