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
