/** @file Lists everything that the doctor can find, with its meaning and advice. Finds nothing itself. */

import type { Role } from '../objectives/objective.js';
import { visible } from './spans.js';

/** `error`: training on it would silently teach something wrong, or is impossible. `warning`: it deserves a look. */
export type Severity = 'error' | 'warning';

interface FindingKind {
  severity: Severity;
  meaning: string;
  advice: string;
}

/** The kinds of findings, by their codes. */
export const findingKinds = {
  'unreadable-row': {
    severity: 'error',
    meaning: 'These lines are not training rows.',
    advice: 'Mend or remove them; a row has messages, prompt and completion, or prompt, chosen and rejected.',
  },
  roles: {
    severity: 'error',
    meaning: 'Roles are out of order: system messages first, then user and assistant in turn.',
    advice: 'Look for messages that were lost, doubled or mislabelled when the rows were made.',
  },
  'empty-answer': {
    severity: 'error',
    meaning: 'A response is empty: only the end token would be learned from it.',
    advice: 'Remove these rows, and find out why the teacher wrote nothing.',
  },
  'identical-halves': {
    severity: 'error',
    meaning: 'Chosen and rejected are the same text: one side undoes what the other teaches.',
    advice: 'Remove these pairs.',
  },
  'different-prompts': {
    severity: 'error',
    meaning: 'Chosen and rejected respond to different prompts, so they cannot be compared.',
    advice: 'Pair responses to one prompt, with the same messages before the response.',
  },
  'template-refuses': {
    severity: 'error',
    meaning: "The model's chat template refuses these messages.",
    advice: 'Change the messages as its error says, or give the model a template that accepts them.',
  },
  'template-rewrites': {
    severity: 'error',
    meaning: 'The chat template rewrites the row, so the trained part cannot be told apart.',
    advice: 'Use a template that leaves prompt and response as they are, or rows of plain text.',
  },
  untokenisable: {
    severity: 'error',
    meaning: 'The tokenizer does not come to an end with a text: its regular expressions go back and forth.',
    advice: "Use the model's original tokenizer.json, or remove these rows.",
  },
  'thinking-dropped': {
    severity: 'error',
    meaning:
      'The chat template drops the thinking of the response: the student would learn to answer without thinking.',
    advice: 'Use a template that keeps <think>…</think> in the last turn, or rows of plain text.',
  },
  'history-thinking-dropped': {
    severity: 'warning',
    meaning: 'The chat template drops thinking from earlier turns, in training as in generation.',
    advice: 'Nothing, if the student should not see its earlier thinking; otherwise change the template.',
  },
  'end-not-trained': {
    severity: 'error',
    meaning: 'No token that ends a turn or a text is trained: the student would never stop.',
    advice:
      'Let the template write an end token after responses, and name eos_token in tokenizer_config.json.',
  },
  'end-not-a-stop': {
    severity: 'warning',
    meaning: "The token that ends trained responses is not an end token in the model's own files.",
    advice:
      "Other tools will not stop there: add its id to eos_token_id in the trained model's generation_config.json.",
  },
  'two-bos': {
    severity: 'error',
    meaning: 'Rows begin with more than one BOS token, which the student has never seen and will never see.',
    advice: 'Remove the token from the texts or from the chat template: only one of them may write it.',
  },
  'no-bos': {
    severity: 'error',
    meaning: "Rows do not begin with the BOS token that this model's tokenizer begins every text with.",
    advice: 'Let the chat template begin with {{ bos_token }}, or write the token into plain texts.',
  },
  'generation-prompt-trained': {
    severity: 'error',
    meaning: "The response's header is trained: the chat template has no generation prompt that includes it.",
    advice: 'Let the template write the header under {% if add_generation_prompt %}.',
  },
  'prompt-not-prefix': {
    severity: 'error',
    meaning: 'The tokens before the response are not those that generation starts from.',
    advice: 'Use a template that writes a prompt the same way with and without its response.',
  },
  'boundary-merge': {
    severity: 'warning',
    meaning:
      'Prompt and response as one text have other tokens at their boundary; they are tokenised apart here, as in generation, but not in other tools.',
    advice: 'Strip the white space at the end of prompts and at the beginning of responses.',
  },
  'empty-thought': {
    severity: 'warning',
    meaning: 'The chat template puts an empty thought before the response, and it is trained.',
    advice: 'Nothing, if the student should not think; otherwise give responses with their thinking.',
  },
  'too-long': {
    severity: 'warning',
    meaning: 'Rows are longer than the limit: training leaves them out.',
    advice: 'Raise max_length if the model and the memory allow it, or accept that long traces are missing.',
  },
  'nothing-fits': {
    severity: 'error',
    meaning: 'Every row is longer than the limit: there is nothing to train on.',
    advice: 'Raise max_length, or use a model with more positions.',
  },
  vocabulary: {
    severity: 'error',
    meaning: 'The tokenizer gives ids for which the model has no embeddings.',
    advice: "Use the model's own tokenizer, or resize its embeddings.",
  },
  'control-token': {
    severity: 'error',
    meaning: 'A text contains a special token, which the tokenizer takes for a real one.',
    advice:
      'Remove it: an end token inside a trace teaches the student to stop there, a header begins another turn.',
  },
  'thinking-unclosed': {
    severity: 'error',
    meaning: 'A response to learn opens <think> and never closes it: the student would not stop thinking.',
    advice: 'Remove these traces; they were cut off.',
  },
  'thinking-unopened': {
    severity: 'warning',
    meaning: 'A response has </think> without <think>.',
    advice: 'The teacher was started after <think>: put it back at the beginning of the trace.',
  },
  'cut-off': {
    severity: 'error',
    meaning:
      'A response to learn was cut off: the end token after it teaches the student to stop in the middle.',
    advice: 'Remove these traces, or collect them again with more tokens.',
  },
  'broken-text': {
    severity: 'warning',
    meaning: 'Texts contain wrongly decoded or invisible characters.',
    advice: 'Read the source again with its own encoding (usually UTF-8), and remove invisible characters.',
  },
  'mask-share': {
    severity: 'warning',
    meaning: 'Rows with long prompts have hardly any tokens to train.',
    advice: 'Check that their responses are complete and that such prompts were intended.',
  },
  'little-trained': {
    severity: 'warning',
    meaning: 'In the whole file, hardly any of the tokens are trained.',
    advice: 'Shorten the prompts if this was not intended: nearly all of the computation goes into them.',
  },
  'wrong-label': {
    severity: 'error',
    meaning: 'The row is marked wrong, and training would teach its response.',
    advice:
      'Take rows with right responses, or make pairs, in which the wrong response is the rejected side.',
  },
  'label-disagrees': {
    severity: 'error',
    meaning: "A fresh verification against the row's gold answer contradicts the row's label.",
    advice: 'Look at the rows: responses labelled right would be pushed up, those labelled wrong down.',
  },
  'duplicate-row': {
    severity: 'warning',
    meaning: 'Rows occur more than once and would count each time.',
    advice: 'Keep one of each.',
  },
  'duplicate-prompt': {
    severity: 'warning',
    meaning: 'Prompts occur more than once, with different responses.',
    advice: 'Nothing, if several traces per problem were intended: a problem counts once per row.',
  },
  'evaluation-problem': {
    severity: 'error',
    meaning: 'Prompts are problems of an evaluation set, whose results would then mean nothing.',
    advice: 'Remove these rows, or evaluate on something else.',
  },
  'evaluation-overlap': {
    severity: 'warning',
    meaning: 'Prompts share eight words in a row with a problem of an evaluation set.',
    advice: 'Compare them: a reworded problem spoils the evaluation, a common phrase does not.',
  },
  'mixed-kinds': {
    severity: 'warning',
    meaning: 'Some rows are pairs and some have one response.',
    advice: 'Split the file: objectives over pairs refuse it. Fine-tuning takes the chosen sides.',
  },
  'no-log-prob': {
    severity: 'error',
    meaning: 'A column of log-probs has a number above 0, which is the logarithm of no probability.',
    advice: 'Make it anew with `redistill columns`, or give natural log-probs; they may be named otherwise.',
  },
  'length-bias': {
    severity: 'warning',
    meaning: 'One side of the pairs is nearly always the longer one: length alone tells the sides apart.',
    advice: 'Balance the pairs, or use an objective that divides by length.',
  },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof findingKinds;

/** A fault found in a row or in the file. */
export interface Finding {
  code: FindingCode;
  /** The fault as it is in this place. */
  detail: string;
  /** The side of a pair that has the fault; absent if it is the whole row's. */
  side?: Role;
}

export const severityOf = (code: FindingCode): Severity => findingKinds[code].severity;

/** Makes a finding. The detail may quote the data: it becomes one line that is safe to show anywhere. */
export function finding(code: FindingCode, detail: string): Finding {
  return { code, detail: visible(detail.replace(/\s+/gu, ' ')) };
}

/** Adds the side, if the row is a pair. */
export function ofSide(found: Finding, role: Role): Finding {
  return role === 'demonstration' ? found : { ...found, side: role };
}

/** Length at which quotes are cut. */
const QUOTED = 60;

/** Quotes the beginning of a text, on one line. */
export function quote(text: string): string {
  const line = text.trim().slice(0, QUOTED).replace(/\s+/gu, ' ');
  return `"${line}${text.trim().length > QUOTED ? '…' : ''}"`;
}
