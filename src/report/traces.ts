/**
 * @file What a report shows of traces, of training rows as tokens, and of tables that other commands made, as plain JSON: a part of
 * `model.ts`. All texts are data, tokens among them.
 */

/** Rows of one curation, of one collection that nobody curated, or of a file of tokens, with what became of each. */
export interface TraceSet {
  id: string;
  name: string;
  dir: string;
  /** What is left out, and which command makes what is missing, a sentence each. */
  notes: string[];
  columns: TokenColumn[];
  rows: TraceIndex;
  /** While runs go on: by which notes, columns and rows are asked for when somebody looks at them; it changes with the files. */
  asked?: string;
}

/** Numbers of tokens. */
export interface TokenColumn {
  /** By which tokens have it. */
  key: string;
  name: string;
  /** Whose numbers they are. */
  about: string;
  /** `logp`: natural log-probs. `gradient`: −dLoss/dlog p times the number of rows: above 0 a token becomes likelier. */
  kind: 'logp' | 'gradient' | 'number';
}

/** What lists need of each row. Arrays are as long as there are rows. */
export interface TraceIndex {
  ids: string[];
  /** The beginning of each problem, in one line. */
  heads: string[];
  /** `pair`, `right alone`, `collected`, `samples`, or `dropped: ` and the reason. */
  fates: string[];
  /** Responses that are known, and how many of them have tokens. */
  traces: number[];
  tokens: number[];
  /** Rows of each chunk, in order; chunk i of set s is `traces-s-i` of the page. */
  chunks: number[];
}

/** A problem, its responses and its way. */
export interface TracedRow {
  id: string;
  problem: string;
  gold: string | null;
  traces: Trace[];
  /** Training rows that were made of it: places in `traces`; `wrong` where it is a pair. */
  made: { right: number; wrong?: number }[];
  /** From collection to training, in order. */
  way: WayStep[];
  /** Problems of evaluations that resemble it most, the nearest first. */
  nearest: NearProblem[];
}

/** One response. */
export interface Trace {
  /** What it is called: its number among the responses, from 1, or a role. */
  name: string;
  text: string;
  verdicts: { by: string; right: boolean | null }[];
  finishReason?: string;
  tokens?: TokenText;
}

/** A text in its tokens, which may be several where they make up one character. */
export interface TokenText {
  texts: string[];
  /** How much each counts in training; absent where all count 1. */
  weights?: number[];
  /** By the key of the column. */
  columns: Record<string, (number | null)[]>;
}

export interface WayStep {
  /** The stage, or what happened. */
  name: string;
  words: string;
  /** As those of stages. */
  link?: string;
}

export interface NearProblem {
  /** The set and the place of the problem in it. */
  set: string;
  place: number;
  head: string;
  /** The Jaccard similarity of their runs of three words. */
  similarity: number;
  /** The texts differ in nothing but numbers. */
  isSameButNumbers: boolean;
}

/** Rows as the doctor saw them. */
export interface Examination {
  id: string;
  name: string;
  dir: string;
  /** Of the file in a sentence. */
  headline: string;
  notes: string[];
  findings: {
    code: string;
    severity: string;
    rows: number;
    meaning: string;
    detail: string;
    advice: string;
  }[];
  rows: ExaminedRow[];
  /** While runs go on: by which the rows are asked for; it changes with them. */
  asked?: string;
}

export interface ExaminedRow {
  line: number;
  /** `original_index`, where it has one. */
  id: string | null;
  verdict: string;
  findings: { code: string; severity: string; detail: string; side?: string }[];
  /** With the numbers of all tokens that are masked and trained. */
  responses: { role: string; masked: number; trained: number; pieces: ExaminedPiece[] }[];
}

/** A token, masked ones together as one text, or tokens that are left out of the view. */
export interface ExaminedPiece {
  text: string;
  trained: boolean;
  special?: boolean;
  /** Tokens that are left out; the text is empty. */
  skipped?: number;
}

/** A table that another command has made: of a study, of a benchmark. */
export interface ResultTable {
  id: string;
  name: string;
  /** The command. */
  command: string;
  caption: string;
  notes: string[];
  columns: { name: string; kind: 'text' | 'number' | 'share' | 'difference' | 'chance' }[];
  rows: (string | number | null)[][];
}

/** What a comparison of other sizes would most likely see. */
export interface PowerCurve {
  /** By problems with as many samples as there are, or by samples of as many problems. */
  by: 'problems' | 'samples';
  points: { size: number; effect: number }[];
}

/** A chunk of a set's rows and its place. */
export interface PlacedTraces {
  traces: number;
  chunk: number;
  rows: TracedRow[];
}
