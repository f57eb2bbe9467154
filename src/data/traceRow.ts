/** @file Defines a row of traces: a problem, responses to it, and the verdicts on them. */
import type { RowMessage } from '../text/template.js';

/** One verdict a generation, null where there is none; null altogether where the list is missing. */
export type VerdictList = (boolean | null)[] | null;

/** A problem with a teacher's traces and the verdicts on them. */
export interface TraceRow {
  /** `original_index` of the row where it has one, else its running number over all files, from 0. */
  originalIndex: number;
  file: string;
  /** Line of a JSON lines file or row of a Parquet file, from 1. */
  line: number;
  /** The row as it was read. */
  fields: Record<string, unknown>;
  problem: string | null;
  answer: string | null;
  source: string | null;
  problemIsValid: string | null;
  /** Texts, with thinking that stands apart put back as `<think>…</think>`. */
  generations: string[] | null;
  /** The messages of generations that are more than a text, which are written as they are; absent where none is. */
  messages?: (RowMessage | null)[];
  correctness: {
    /** `llama_verification`: the LLM judge's. */
    llm: VerdictList;
    /** `math_verify_answer`: the rules', against `answer`. */
    mvAnswer: VerdictList;
    /** `math_verify_reparsed_answer`: the rules', against `reparsed_answers`. */
    mvReparsed: VerdictList;
  };
  reparsedAnswers: string[] | null;
  /** Why each generation ended, null where the row does not say; absent where it says so of none. */
  finishReasons?: (string | null)[];
  /** Whether each generation broke off before the model had finished; absent where the row says so of none. */
  cutOff?: boolean[];
  /** The messages before the answer, where they are more than the problem as the user's turn. */
  prompt?: RowMessage[];
  /** What the row gives to the chat template besides messages, `tools` and `chat_template_kwargs`; absent where nothing. */
  columns?: Record<string, unknown>;
}
