import type { Random } from '../../src/util/random.js';

const lines = (text: string) => text.trim().split('\n');

const ANSWERS = lines(String.raw`
5
-3
0
0.25
10,080
2.5e-9
\frac{1}{2}
1 \frac{1}{2}
\sqrt{19}
\sqrt[3]{-8}
\pi
e
i
-2+7i
\infty
-\infty
x
n!
2x+1
x^2-1
|x|
\lfloor x \rfloor
\log_2 0
\frac{1}{0}
0^{-1}
\binom{n}{k}
\sum_{k=1}^{n} k
x = 1
\frac{1}{2} = y
f(x)=x+1
x^2=4
x \neq 1
x<2
-2 \le x \le 7
x \in [0,1]
[0,1)
(1,2)
(1,2,3)
\{1,2\}
\emptyset
\mathbb{R}
1, 2
\pm 2
5\%
12 \text{ cm}
90^\circ
\$18.90
2:3
204_5
3 \pmod 5
\approx 3.14
\begin{pmatrix}1&2\\3&4\end{pmatrix}
\text{east}
\text{(C)}
`);

const COMPOSITIONS = lines(String.raw`
A, B
A; B
A = B
x = A, y = B
\{A, B\}
(A, B)
[A, B)
A \cup B
x \in A \cap B
A \setminus B
A \text{ or } B
A \le x < B
A \pm B
A \pmod{B}
A : B
A + B
A - B
A B
-A
\frac{A}{B}
A^{B}
(A)^{B}
\sqrt{A}
\log_{A} B
\sin A
f(A) = B
\max(A, B)
\gcd(A, B)
|A|
\lfloor A \rfloor
(A)!
A \%
A \text{ cm}
A_{B}
\overline{A}
\sum_{k=A}^{B} k
\int_{A}^{B} x dx
\lim_{x \to A} B
A \implies B
A \approx B
\begin{cases} A \\ B \end{cases}
\begin{pmatrix} A & B \end{pmatrix}
`);

/** An answer that nobody would give, of answers that people do: at most two compositions deep. */
export function composedAnswer(random: Random, depth = 2): string {
  const drawn = (list: readonly string[]) => list[random.nextInt(list.length)]!;
  if (depth === 0 || random.nextInt(3) === 0) return drawn(ANSWERS);
  return drawn(COMPOSITIONS).replace(/[AB]/g, () => composedAnswer(random, depth - 1));
}
