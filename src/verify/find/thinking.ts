/** @file Separates a response's thinking from what follows it. */

/** The marks at which the thinking of model families ends. */
const ENDS = [
  '</think>', // DeepSeek-R1, Qwen3, SmolLM3 and most others
  '</thinking>',
  '</thought>',
  '</reasoning>',
  '</reflection>',
  '</scratchpad>',
  '[/THINK]', // Magistral
  '<|end_of_thought|>', // Sky-T1, OpenThinker
  '<|END_THINKING|>', // Command A
  '<|channel|>final<|message|>', // gpt-oss
  '◁/think▷', // Kimi
  '</seed:think>',
  '</longcat_think>',
  '<unused95>', // MedGemma
] as const;

/** Gives what follows the first or last mark at which thinking ends; undefined where there is none. */
export function textAfterThinking(response: string, which: 'first' | 'last' = 'last'): string | undefined {
  const ends = ENDS.flatMap((mark) => {
    const at = response.indexOf(mark);
    if (at < 0) return [];
    return (which === 'last' ? response.lastIndexOf(mark) : at) + mark.length;
  });
  if (ends.length === 0) return undefined;
  return response.slice(which === 'last' ? Math.max(...ends) : Math.min(...ends));
}

/** The marks at which thinking begins that say so by themselves; the others are ends without a beginning in the response. */
const BEGINS =
  /^\s{0,20}(?:<(think|thinking|thought|reasoning|reflection|scratchpad)>|\[THINK\]|<\|begin_of_thought\|>)/;

/** Whether a response begins with thinking that does not end. */
export const isStillThinking = (response: string): boolean =>
  BEGINS.test(response) && textAfterThinking(response, 'first') === undefined;
