/** @file Makes docs/comparing.md of the settings of `compare` and `plan`. Writes no files. */
import { compareSettings } from '../evaluate/compare.js';
import { planSettings } from '../evaluate/plan.js';
import { keysTable } from './reference.js';

const INTRODUCTION = `# Comparing evaluations

<!-- Made by \`npm run docs\` of src/pipeline/comparingPage.ts and the settings of \`compare\` and \`plan\`. -->

\`redistill compare A B\` says in one sentence whether B is better than A, and in its exit code:

| exit code | is |
| --- | --- |
| 0 | B is better |
| 1 | B is worse, or the command failed |
| 2 | wrong usage or input: another protocol, no evaluation, … |
| 3 | it cannot be told |

A and B are folders of \`redistill evaluate\`, or several with commas, one a seed of training in the same order; a single one stands beside every seed of the other side.
Further pairs of folders are further rows (other benchmarks), and so is every \`--grader\`. All rows together are better if a row is and none is worse, and worse if a row is
and none is better. A row is one or the other only if its p-value, adjusted by Holm over all rows, is at most α = 0.05 **and** its interval leaves out 0. \`--list FILE\` writes the problems that were gained and lost, \`--json\` prints all numbers.

**What is refused.** Evaluations that differ in problems, golds, instruction, sampling or forced beginnings: the message has the field and both values. \`--differ-in instruction\` says
that this is what is compared, so two prompts or two temperatures of one model are compared likewise. Another precision, device or batch is warned of, since greedy responses may differ by them; so is another version of the grader.

**What the numbers are.** With q the share of right samples of a problem and d = q_B − q_A:

| number | formula and source |
| --- | --- |
| B − A | the mean of d over problems |
| interval by \`problems\` | ± z √(Σ(d − d̄)² / (n (n − 1))): other problems of the same kind, and other samples (Miller 2024, arXiv:2411.00640) |
| by \`clusters\` | where problems are the same but for their numbers, and of six kinds or more: n⁻¹ √(Σ_c (Σ_{i∈c}(d_i − d̄))²) · √(G/(G − 1)), Student's t with G − 1 degrees of freedom |
| by \`seeds\` | Student's t of the seeds' differences with S − 1 degrees of freedom; the wider of this and the one by problems or clusters decides, and so does the larger p-value |
| \`bootstrap\` | for comparison: 2.5 % and 97.5 % of means over problems (or clusters) that are drawn again with replacement |
| p | the exact sign-flip test: the share of all ways to reverse the problems' (or clusters') differences that come to at least so much. With one sample a problem it is McNemar's exact test |
| P(B > A) | with one sample a problem: 1 − I_½(n₁₀ + 1, n₀₁ + 1), the posterior of a uniform prior (Bowyer et al. 2025, arXiv:2503.01747) |
| sees differences from | (z₀.₉₇₅ + z₀.₈) standard errors, by clusters and seeds those quantiles of Student's t: the true difference that 80 % of such runs would find (for two seeds 73 %, for three 77 %) |
| problems, samples | to see a point: n = (z + z)² Var(d) / δ², and K of ω² + (σ²_A + σ²_B)/K, where there are several samples; where the seeds decide, so many of them |

With fewer than six discordant problems nothing can be told at 5 %: the smallest p-value of six is 0.031 if all of them agree, that of five 0.0625. Likewise with fewer than six clusters: where all problems are made
from so few templates ("What is 3 + 4?"), they are taken for a sample of problems of these kinds, and it is said that nothing follows for other kinds.

**Looking early.** Who compares after every ten of 300 problems and stops where it looks good finds a difference that is not there in more than a fifth of all cases (\`src/statistics/sequential.test.ts\`). \`redistill plan\` computes problems,
samples and seeds beforehand and writes them into a file that is never written over; \`compare --plan FILE\` takes its α and power from there and, as long as problems, samples and seeds are not those
planned, fewer or more, decides by the always-valid interval: all m for which the mean over fixed bets λ of Π(1 + λ(d_i − m)) is below 1/α (Waudby-Smith and Ramdas 2023). It holds the truth at all looks
together with a chance of 1 − α, and is wider for it. It takes the problems for independent draws: if the file is sorted, by difficulty say, evaluate with \`--shuffle\`. Where problems resemble each other it takes a mean for each cluster, and of
several seeds it says nothing but their mean. A plan counts clusters as its earlier evaluations have them, and has never fewer problems than can give a p-value of α.

**An evaluation by itself.** \`evaluate\` prints, and \`summary.json\` has in \`estimates\`, by grader: the standard error over problems, over clusters and over samples of the same problems (as the REDI paper's tables have it; it
ignores that other problems would have come out otherwise); Wilson's and the uniform prior's interval, which hold for few problems as well; and where there are several samples pass@k (Chen et al. 2021, unbiased), G-Pass@k with
thresholds ½, ¾ and 1 and its mean (Liu et al. 2024, arXiv:2412.13147), and the majority of k samples, for k = 2, 4, 8, … and all. For a majority right answers are one and wrong ones are merged by the verifier; ties count as the right one's share, what has no answer does not vote, and
where there are more than 200 subsets so many are drawn, with their Monte-Carlo error.`;

/** The whole page. */
export function comparingPage(): string {
  const sections = [
    INTRODUCTION,
    '## Settings of `compare`',
    keysTable(compareSettings),
    '## Settings of `plan`',
    keysTable(planSettings),
  ];
  return `${sections.join('\n\n')}\n`;
}
