import type { Preset } from '../../../src/verify/verify.js';

/** How a response gives an answer: `_` stands for it, between formula marks where those are needed. */
export const RIGHT_WRAPPINGS: readonly string[] = [
  'The answer is $_$.',
  'So the final answer is $_$.',
  'Therefore, the answer is: $_$',
  '**Answer:** $_$',
  'Answer: \\(_\\)',
  '\\boxed{_}',
  'Thus we get \\[\\boxed{_}\\]',
  'Hence the value is $\\boxed{_}$, as claimed.',
  'We conclude that $$\\boxed{ _ }$$\n\nThis completes the solution.',
  '<think>First I try $17$. No: $\\boxed{17}$ is wrong.</think>\nThe answer is $_$.',
  '<think>It may be \\boxed{17}.</think>\n\n\\boxed{_}',
  '<thinking>Is it 17?</thinking>\\boxed{_}',
  '<reasoning>Perhaps \\boxed{17}.</reasoning>\n\\boxed{_}',
  '[THINK]\\boxed{17}?[/THINK]\\boxed{_}',
  '<|channel|>analysis<|message|>Maybe \\boxed{17}.<|end|><|start|>assistant<|channel|>final<|message|>The answer is $_$.',
  '◁think▷\\boxed{17}◁/think▷ The answer is $_$.',
  '<think>17</think><answer>$_$</answer>',
  '<answer>\\boxed{_}</answer>',
  '<answer>_</answer>',
  '{"answer": "@"}',
  '```json\n{"reasoning": "17 is too large", "answer": "@"}\n```',
  '<think>17?</think>{"final_answer": "@"}',
  'First, $2 + 15 = 17$. Then we subtract.\n\n### Final Answer\n\n$\\boxed{_}$',
  'We had 17 at first.\n\n**Final Answer**\n\\boxed{_}',
  'The final answer is $_$. I hope it is correct.',
  '\\boxed{17} was my first guess, but the right value is \\boxed{_}.',
  '\\boxed{_}</s>',
  '\\boxed{_}<|im_end|>\n<|im_start|>user\nWhat is 8 + 9?\n\\boxed{17}',
  '\\boxed{_}\n\nQuestion: What is 8 + 9?\nAnswer: \\boxed{17}',
  'The answer is $_$.\n\nProblem: What is 8 + 9?\nThe answer is $17$.',
  '#### Step 1: Add\n8 + 9 = 17\n#### Step 2: Conclude\nThe answer is $_$.',
  'The answer is not $17$ but $_$.',
  'La réponse est $_$.',
  'Die Antwort ist $_$.',
  '答案是 $_$。',
  'Ответ: $_$',
  '\\text{The answer is }\\boxed{_}',
  'Final answer: \\( _ \\)',
  '$_$',
  '\\[ _ \\]',
  'Thus, $_$.',
  '\\fbox{_}',
  '\\boxed{\\displaystyle _}',
  '\\boxed{\\left. _ \\right.}'.replace('\\left. _ \\right.', '{_}'),
  '\\boxed{$_$}',
  '\\textbf{Answer: } $_$',
  'The answer is \\boxed{_} because nothing else satisfies the condition.',
  'The answer is **$_$**.',
];

/** A response without one of these marks says in no preset what the answer is. */
export const REWARD_WRAPPINGS: readonly string[] = [
  '<think>Is it 17?</think>The answer is $_$.',
  '<think>\\boxed{17}?</think>\n\\boxed{_}',
  '<think>\\boxed{17}?</think>\nThus the value is \\[\\boxed{_}\\]\nas claimed.',
  '<think>17</think>{"answer": "@"}',
  '<think>17</think><answer>\\boxed{_}</answer>',
  '<think>17</think>**Answer:** $_$',
];

/** How a response names the right answer `_` without giving it as its own; `#` is another, wrong answer. */
export const WRONG_WRAPPINGS: readonly (readonly [kind: string, rule: string, template: string])[] = [
  ['B5', 'not', 'The answer is not $_$.'],
  ['B5', 'isn’t', "The answer isn't $_$."],
  ['B5', 'cannot be', 'The answer cannot be $_$.'],
  ['B5', 'not, with another', 'The answer is not $_$ but $#$.'],
  ['B5', 'not the box', 'The answer is definitely not \\boxed{_}.'],
  ['B5', 'is not the answer', '$_$ is not the answer.'],
  ['B5', 'is wrong', 'The answer is $_$ is wrong; it is $#$.'],
  ['B5', 'box is wrong', '\\boxed{_} is wrong. The answer is \\boxed{#}.'],
  ['B5', 'never', 'The answer is never $_$.'],
  ['B5', 'neither', 'The answer is neither $_$ nor $#$.'],
  ['A6', 'is wrong', '\\boxed{_ \\text{ is wrong}}'],
  ['A6', 'or more', '\\boxed{_ \\text{ or more}}'],
  ['A6', 'or less', '\\boxed{_ \\text{ or less}}'],
  ['A6', 'possibly', '\\boxed{_ \\text{ or possibly } #}'],
  ['A6', 'maybe', '\\boxed{_ \\text{ (or maybe $#$)}}'],
  ['A6', 'not', '\\boxed{\\text{not } _}'],
  ['A6', 'at least', '\\boxed{\\text{at least } _}'],
  ['A6', 'at most', '\\boxed{\\text{at most } _}'],
  ['A6', 'less than', '\\boxed{\\text{less than } _}'],
  ['A6', 'incorrect', '\\boxed{_ \\text{ (incorrect)}}'],
  ['A6', 'unknown', '\\boxed{_ \\text{ if } x > 0 \\text{, else } #}'],
  ['A6', 'except', '\\boxed{\\text{anything except } _}'],
  ['B10', 'or', 'The answer is $_$ or $#$.'],
  ['B10', 'box or box', 'The answer is \\boxed{_} or \\boxed{#}.'],
  ['B10', 'or in a box', '\\boxed{_ \\text{ or } #}'],
  ['B10', 'or reversed', '\\boxed{# \\text{ or } _}'],
  ['B10', 'either', 'The answer is either $#$ or $_$.'],
  ['B10', 'false equation', '\\boxed{_ = #}'],
  ['B10', 'false equation reversed', '\\boxed{# = _}'],
  ['B9', 'three boxes', 'The candidates are:\n- $\\boxed{#}$\n- $\\boxed{998}$\n- $\\boxed{_}$\n'],
  ['B9', 'two boxes', '\\boxed{#}, \\boxed{_}'],
  ['B9', 'boxes with and', 'The answers are $\\boxed{_}$ and $\\boxed{#}$.'],
  ['B7', 'think', '<think>So \\boxed{_}. The answer is $_$.</think>\nThe answer is $#$.'],
  ['B7', 'think, box outside', '<think>The answer is $_$.</think> \\boxed{#}'],
  ['B7', 'thinking', '<thinking>\\boxed{_}</thinking> The answer is $#$.'],
  ['B7', 'reasoning', '<reasoning>\\boxed{_}</reasoning> The answer is #.'],
  ['B7', 'thought', '<thought>\\boxed{_}</thought>\\boxed{#}'],
  ['B7', 'reflection', '<reflection>\\boxed{_}</reflection>\\boxed{#}'],
  ['B7', 'THINK', '[THINK]\\boxed{_}[/THINK]The answer is #.'],
  ['B7', 'begin of thought', '<|begin_of_thought|>\\boxed{_}<|end_of_thought|> The answer is #.'],
  ['B7', 'START_THINKING', '<|START_THINKING|>\\boxed{_}<|END_THINKING|>The answer is $#$.'],
  [
    'B7',
    'channel',
    '<|channel|>analysis<|message|>\\boxed{_}<|end|><|start|>assistant<|channel|>final<|message|>The answer is #.',
  ],
  ['B7', 'kimi', '◁think▷\\boxed{_}◁/think▷The answer is #.'],
  ['B7', 'seed', '<seed:think>\\boxed{_}</seed:think>The answer is $#$.'],
  ['B7', 'answer tag', '<think>\\boxed{_}</think><answer>#</answer>'],
  ['B8', 'question', '\\boxed{#}\n\nQuestion: And now?\n\\boxed{_}'],
  ['B8', 'problem', 'The answer is $#$.\n\nProblem: And now?\nThe answer is $_$.'],
  [
    'B8',
    'bold question',
    'The answer is \\boxed{#}.\n\n**Question 2:** And now?\n\nThe answer is \\boxed{_}.',
  ],
  ['B8', 'human', '\\boxed{#}\nHuman: Are you sure?\n\\boxed{_}'],
  ['B8', 'end token', '\\boxed{#}</s>\\boxed{_}'],
  ['B8', 'im_end', '\\boxed{#}<|im_end|>\n<|im_start|>user\n\\boxed{_}'],
  ['B8', 'eot', 'The answer is #.<|eot_id|>\\boxed{_}'],
  ['B8', 'endoftext', 'The answer is #.<|endoftext|>The answer is $_$.'],
  ['B8', 'gemma', 'The answer is \\boxed{#}.<end_of_turn>\n<start_of_turn>user\n\\boxed{_}'],
  ['B8', 'inst', '\\boxed{#} [INST] And \\boxed{_}? [/INST]'],
  ['B4', 'heading', '#### Step _: Check\nIt is plausible.\nAnswer: #'],
  ['B4', 'numbered heading', '#### _. Conclusion\nThe answer is $#$.'],
  ['A1', 'function value', '\\boxed{f(#) = _}'.replace('f(#) = _', 'f(_) = #')],
  ['extract', 'earlier box', 'At first \\boxed{_}, but that fails. Therefore \\boxed{#}.'],
  ['extract', 'earlier phrase', 'The answer is $_$. Wait, I made a mistake.\n\nThe final answer is $#$.'],
  ['extract', 'json', '{"guess": "@", "answer": "#"}'],
  ['extract', 'answer tag', 'I guess $_$. <answer>#</answer>'],
];

/** What a policy might say to a reward: the question, a hedge or several answers. Only for golds that are numbers. */
export const REWARD_TRICKS: readonly (readonly [rule: string, template: string])[] = [
  ['sum', '\\boxed{#+1-1}'],
  ['or', 'The answer is _ or #.'],
  ['hedge', '\\boxed{_ \\text{ (or maybe #)}}'],
  ['false equation', 'The answer is # = _.'],
];

/** Puts an answer into a template; `@` is the answer as a JSON string. */
export function wrapped(template: string, answer: string, other = ''): string {
  return template.replace(/[_#@]/g, (mark, at: number) => {
    // `\_` and names such as im_end are no gaps.
    if (mark === '_' && /[A-Za-z]/.test(template[at - 1] ?? '') && /[A-Za-z]/.test(template[at + 1] ?? ''))
      return mark;
    if (mark === '#' && (template[at + 1] === '#' || template[at - 1] === '#')) return mark;
    if (mark === '@') return JSON.stringify(answer).slice(1, -1);
    return mark === '_' ? answer : other;
  });
}

export const MATH_PRESETS = [
  'mathVerify',
  'anchored',
  'reward',
  'lenient',
] as const satisfies readonly Preset[];
