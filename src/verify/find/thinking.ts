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

/** Gives what follows the last mark at which thinking ends; undefined where there is none. */
export function textAfterThinking(response: string): string | undefined {
  const end = Math.max(
    ...ENDS.map((mark) => {
      const at = response.lastIndexOf(mark);
      return at < 0 ? -1 : at + mark.length;
    }),
  );
  return end < 0 ? undefined : response.slice(end);
}
