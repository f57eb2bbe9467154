/** @file What a second judge beside the rules is asked and says. Who it is, src/teacher knows. */

/** What a judge is shown. */
export interface JudgeQuestion {
  problem: string | null;
  /** The answers that count as right, at least one. */
  references: readonly string[];
  /** The final answer that the verifier found in the response; null if it found none. */
  extracted: string | null;
  /** The whole response; the judge sees its end. */
  response: string;
}

/** What a judge says; null if it could not tell or could not be understood. */
export interface Judgement {
  correct: boolean | null;
  explanation: string;
}

/** What a judge was asked and what it cost. */
export interface JudgeUse {
  /** Questions put to the endpoint in this run, and those whose answer was known. */
  asked: number;
  remembered: number;
  promptTokens: number;
  completionTokens: number;
  /** Questions of this run to which no reply came, those of them that it is pointless to repeat, and why the first. */
  failures?: { count: number; permanent: number; first: string };
}

/** Someone who says whether a response is right. */
export interface ResponseJudge {
  readonly use: JudgeUse;
  /** Questions that are answered at once. */
  readonly concurrency: number;
  /** @throws the signal's reason when it is aborted */
  ask(question: JudgeQuestion, signal?: AbortSignal): Promise<Judgement>;
}
