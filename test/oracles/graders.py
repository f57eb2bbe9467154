"""Writes test/fixtures/graders/{pairs,latex,sympy}.json: what the original graders and libraries say.

    python3 test/oracles/graders.py RLLM_UTILS MATH_EQUIVALENCE BENCHMARKS

RLLM_UTILS is rllm/rewards/math_utils/utils.py of agentica-project/rllm (the copy in Tim-Siu/reinforcement-distillation
is the same), MATH_EQUIVALENCE modeling/math_equivalence.py of hendrycks/math, BENCHMARKS the folder with aime.json,
amc.json, math.json, minerva.json and olympiad_bench.json. Needs sympy and pylatexenc 2.10. Nothing of the originals is
copied: the fixtures hold pairs of answers, made from the benchmarks' gold answers, and their verdicts.
"""

import fractions
import importlib.util
import json
import pathlib
import random
import re
import signal
import sys
import warnings

import pylatexenc
import sympy
from pylatexenc import latex2text

warnings.filterwarnings("ignore")
FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "graders"
FILES = ["aime", "amc", "math", "minerva", "olympiad_bench"]
PAIRS = 2400


class TimeOut(BaseException):
    """Not an Exception: the originals catch those."""


def on_alarm(*_):
    raise TimeOut


signal.signal(signal.SIGALRM, on_alarm)


def timed(function, *args):
    """The function's value, or None where it takes more than five seconds."""
    signal.alarm(5)
    try:
        return function(*args)
    except TimeOut:
        return None
    finally:
        signal.alarm(0)


def load(path):
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def golds(folder):
    for name in FILES:
        for row in json.loads((pathlib.Path(folder) / f"{name}.json").read_text()):
            answer = row["answer"]
            yield str(answer[0] if isinstance(answer, list) else answer)


def trimmed(gold):
    gold = gold.strip()
    return gold[1:-1] if gold.startswith("$") and gold.endswith("$") and len(gold) > 1 else gold


def top_level(text, mark):
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and c == mark and i > 0:
            return i
    return -1


def variants(gold, following):
    """Other ways to write the gold, near misses, and text that is not it."""
    g = trimmed(gold)
    yield from [g, following, g.replace(" ", ""), f"\\text{{{g}}}", g + "\\text{ units}", g + " meters", g + " cm^2"]
    yield from ["x=" + g, "f(x)=" + g, f"${g}$", f"({g})", f"[{g}]", "{" + g + "}", g + "\\%", g + "^\\circ", g + "."]
    yield from [f"2({g})/2", f"{g}+0", f"({g})+1", "-" + g, f"\\frac{{2({g})}}{{2}}", g.lower(), g.upper(), g + "\\\\"]
    yield from [g.replace("\\frac", "\\dfrac"), g.replace("frac", "tfrac"), g.replace("(", "\\left(").replace(")", "\\right)")]
    yield from [g.replace(",", " and "), g.replace(",", " or "), g.replace(",", ", "), re.sub(r"\{(\w)\}", r"\1", g)]
    yield re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", g)
    yield re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", g)
    yield re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", lambda m: "\\frac{1}{%s}(%s)" % (m[2], m[1]), g)
    yield re.sub(r"(\d+)(?!.*\d)", lambda m: str(int(m[1]) + 1), g)
    yield re.sub(r"\^(\d)(?!\d)", r"^{\1}", g)
    yield re.sub(r"\^\{(\d)\}", r"^\1", g)
    for sign in "+-":
        at = top_level(g, sign)
        if at > 0:
            yield (g[at + 1 :] + "+" + g[:at]) if sign == "+" else ("-" + g[at + 1 :] + "+" + g[:at])
    parts = re.fullmatch(r"[(\[](.*)[)\]]", g)
    inner = parts[1] if parts else g
    if "," in inner:
        items = inner.split(",")
        yield ",".join(reversed(items))
        yield g[0] + ",".join(reversed(items)) + g[-1]
        yield "[" + inner + "]"
        yield "\\{" + inner + "\\}"
    number = re.fullmatch(r"-?\d+(?:\.\d+)?", g)
    if number:
        value = fractions.Fraction(g)
        yield from [str(float(value)), f"{float(value):.3f}", f"{float(value):.3e}", f"{float(value):.2f}"]
        yield from [f"\\frac{{{value.numerator}}}{{{value.denominator}}}", f"{value.numerator}/{value.denominator}"]
        yield from [f"\\frac{{{2 * value.numerator}}}{{{2 * value.denominator}}}", f"{float(value):,}", f"{int(value):,}"]
        yield from ["0" + g, g + ".", g + "e0", g + "\\times 10^0", f"{float(value) / 10}\\times 10", f"\\sqrt{{{value**2}}}"]
        yield f"{float(value) / 1000} \\times 10^{{3}}"
        yield f"{float(value) * 1000} \\times 10^{{-3}}"
    ratio = re.fullmatch(r"(-?)\\frac\{(\d+)\}\{(\d+)\}", g)
    if ratio:
        sign, a, b = ratio[1], int(ratio[2]), int(ratio[3])
        yield from [f"{sign}{a}/{b}", f"{sign}\\frac{a}{b}", f"{sign}\\frac{{{3 * a}}}{{{3 * b}}}", f"{sign}{a / b}"]
        yield from [f"{sign}{a / b:.3f}", f"\\frac{{{sign}{a}}}{{{b}}}", f"\\frac{{{a}}}{{{sign}{b}}}", f"{sign}{a}\\cdot\\frac1{{{b}}}"]
        if a > b:
            yield from [f"{sign}{a // b} \\frac{{{a % b}}}{{{b}}}", f"{sign}{a // b} {a % b}/{b}", f"{sign}{a // b}\\frac{{{a % b}}}{{{b}}}"]
    root = re.fullmatch(r"(\d*)\s*\\sqrt\{(\d+)\}", g)
    if root:
        k, n = int(root[1] or 1), int(root[2])
        yield from [f"\\sqrt{{{k * k * n}}}", f"\\sqrt{{{n}}}\\cdot {k}", f"\\frac{{{k * n}}}{{\\sqrt{{{n}}}}}", f"{k}\\sqrt[3]{{{n}}}"]
        yield from [f"{k}*sqrt({n})", f"{k}\\sqrt {n}", str(k * n**0.5), f"{k}*{n}^(1/2)", f"{k}*{n}^0.5", f"{k}\\sqrt{{{n}.0}}"]
    multiple = re.fullmatch(r"\\frac\{(\d*)\\pi\}\{(\d+)\}", g)
    if multiple:
        a, b = int(multiple[1] or 1), int(multiple[2])
        yield from [f"\\frac{{{a}}}{{{b}}}\\pi", f"{a / b}\\pi", f"{a}\\pi/{b}", f"\\frac{{{2 * a}\\pi}}{{{2 * b}}}", f"{a}pi/{b}"]


LATEX = r"""
\frac{a}{b}
\frac12
\frac1{72}
\frac{1}{2
\frac{1}
\frac
\sqrt{2}
\sqrt[3]{2}
\sqrt 3
\sqrt3
\sqrt
\frac\pi2
\frac\sqrt23
\frac\text{a}2
x^{2}
x_{10}
x^{\frac{1}{2}}
5 \frac{3}{4}
\left( 3, \frac{\pi}{2} \right)
\left\{ 1, 2 \right\}
\text{Monday}
\textbf{(A)} 5
\mbox{inches}
\mathrm{cm}
\mathbb{R}
\mathbf{v}
\mathcal{L} \mathfrak{g} \mathtt{x1}
\pi r^2
\ln 2
\log_{2} 3
\sin x \cos y \cot z
\infty
(-\infty, 0) \cup [1, \infty)
1\,000
1{,}000
a \cdot b \times c
\binom{n}{k}
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
\begin{pmatrix} -7 \\ 16 \\ 5 \end{pmatrix}
\begin{bmatrix} a \end{bmatrix}
\begin{array}{cc} 1 & 2 \end{array}
\begin{cases} 1 & x \\ 2 & y \end{cases}
\begin{pmatrix}\end{pmatrix}
\begin{align} x &= 1 \\ y &= 2 \end{align}
\( \alpha + \beta \)
\[ \frac{1}{2} \]
\( \pi 2 \)
\overline{AB}
\hat{x} \vec{v} \bar{y} \dot{z} \ddot{w} \tilde n
\hat
\vec
\dot{v}_x
\not=
\overrightarrow{AB}
f'(x) f''(x)
a--b --- c
``quoted''
~
a~b
\lfloor x \rfloor
\lceil \frac{n}{2} \rceil
\angle ABC
\hbar \omega
90^\circ
\unknown{x} y
\displaystyle\frac{1}{3}
\operatorname{lcm}(2,3)
\pmod{5}
\le \ge \neq \approx \equiv \in
a \quad b \qquad c
\$5 \% \# \_ \{ \}
\boxed{5}
{a}{b}
{{a}
a}b
\color{red}{5}
\textcolor{blue}{7}
\hspace{1cm} 5
\vspace{2pt} 5
x \\ y
x \\[2mm] y
x \\* y
\prime
\pm 3
3 \pm \sqrt{2}
\overbrace{x}
\xrightarrow{f} y
\ket{0}
\braket{a}{b}
\max(2,3)
\begin{x
\end{y} z
\ensuremath{x}
\phantom{x} 3
\frac { 1 } { 2 }
\frac 1 2
\sqrt [ 3 ] { 8 }
\text { a }
é \'e \c c
a & b
\underline{x}
\mathrm x
\ldots \cdots \dots
\arcsin \frac{1}{2}
2\pi\sqrt{\frac{m}{k}}
\lim_{x \to 0}
\sum_{i=1}^{n} i
\int x\,dx
\textstyle 5
\boldsymbol{x}
\triangle ABC
\Rightarrow \Leftrightarrow \to \mapsto
\mid \parallel \perp
\mathit{h} \mathscr{B}
""".strip("\n").split("\n")

SYMPY = r"""
(sqrt(3+2*sqrt(2)))-(1+sqrt(2))
(sqrt(5+2*sqrt(6)))-(sqrt(2)+sqrt(3))
((2+sqrt(5))^(1/3))-((1+sqrt(5))/2)
(sqrt(x^2))-(x)
(sqrt(x)*sqrt(y))-(sqrt(x*y))
(sqrt(4*x))-(2*sqrt(x))
(sqrt(x^2*y))-(x*sqrt(y))
(0.3)-(0.1*3)
(0.1+0.2)-(0.3)
(1/3)-(0.333333333333333333)
(1/3)-(0.3333333333333333)
(x/3.0)-(x/3)
(sqrt(2))-(1.4142135623730951)
(sqrt(2))-(1.41421356237309504880168872420969807856967187537694)
(ln(4))-(2ln(2))
(ln(6))-(ln(2)+ln(3))
(ln(2))-(0.6931471805599453)
(ln2)-(2ln)
(1/sqrt(2))-(sqrt(2)/2)
(2^(1/3)*4^(1/3))-(2)
(2^(1/2)*3^(1/2))-(6^(1/2))
(n!/n)-((n-1)!)
((n+1)!)-((n+1)*n!)
(n!)-(n)
(5!)-(120)
(5!!)-(15)
(5!!!)-(15)
((x^2-1)/(x-1))-(x+1)
(x^y*x)-(x^(y+1))
(2^n*2)-(2^(n+1))
(4^n)-(2^(2*n))
((-1)^(2n))-(1)
((x^2)^(1/2))-(x)
(ln(x*y))-(ln(x)+ln(y))
(012)-(12)
(012)-(0)
(5.0)-(5)
(2.50x)-(5x/2)
(1/0)-(1/0)
(x/0)-(x/0)
(im)-(mi)
(ab(x))-(abx)
(f(x))-(fx)
(2j)-(2*j)
(2j*2j)-(-4)
(x!)-((x)!)
(ab!)-((a*b)!)
(2ab!)-(2(a*b)!)
(1,2)-(1,2)
(sqrt(10+sqrt(20)))-(sqrt(10+2*sqrt(5)))
(1/(sqrt(5)-2))-(sqrt(5)+2)
(1/(2-3^(1/3)))-((4+2*3^(1/3)+9^(1/3))/5)
((1+sqrt(3))^2)-(4+2sqrt(3))
(1.0*10^-3)-(0.001)
(1.6*10^-9)-(1.60*10^-9)
(2*1.1)-(2.2)
(3*1.1)-(3.3)
(0.3/0.1)-(3)
(0.7+0.1)-(0.8)
(1.1*1.1)-(1.21)
((-8)^(1/3))-(-2)
((-1)^(1/2))-(sqrt(-1))
(9^(1/2))-(3)
(a/b/a)-(1/b)
(x^0.5)-(sqrt(x))
(2^0.5)-(sqrt(2))
(4^0.5)-(2)
(4^0.5)-(2.0)
(0.5*sqrt(2))-(1/sqrt(2))
(0.25pi)-(pi/4)
(sqrt(0.5))-(sqrt(2)/2)
(sqrt(2.25))-(1.5)
(sqrt(0.25)x)-(x/2)
(3.14)-(pi)
(22/7)-(pi)
(3.14159265358979)-(pi)
(3.141592653589793238462643383279502884197)-(pi)
(sqrt(7+4*sqrt(3)))-(2+sqrt(3))
(sqrt(2+sqrt(3)))-((sqrt(6)+sqrt(2))/2)
((sqrt(6)-sqrt(2))/4)-(sqrt(2-sqrt(3))/2)
((x+1)^9)-((1+x)^9)
((x+1)^2)-(x^2+2x+1)
((x+1)^2)-(x^2+2x)
(x-y)-(-(y-x))
(|x|)-(x)
(1_000)-(1000)
(xi)-(ix)
(mu)-(um)
(x^2)-(x**2)
(3+)-(3)
(3)-(3
(1.e3)-(1000.0)
(x_1)-(x_1)
(x_1)-(x1)
(x1)-(1x)
(x2)-(2x)
(2x)-(x2)
(2x^2)-(x2x)
(1/2x)-(x/2)
(1/2pi)-(pi/2)
(2^-1)-(1/2)
(-2^2)-(-4)
(2^3^2)-(512)
(2^-x)-(1/2^x)
(x2!)-((2x)!)
(.5.5)-(.25)
(1.5.5)-(0.75)
(x.5)-(x/2)
(5x=10)-(5)
(x<2)-(x<2)
(x)-(θ)
(θ+1)-(1+θ)
(θφ)-(φθ)
(90°)-(90)
(2√2)-(2)
(x²)-(x^2)
(π)-(π+0)
(12)-(1 2)
(10^6*2)-(2000000)
(10^9)-(1000000000)
(3*10^-4)-(0.0003)
(0)-(0)
(x-x)-(0)
(0*x)-(0)
((x-x)/x)-(0)
((x-x)/(x-x))-(0)
(0^0)-(1)
(x^0)-(1)
(0^x)-(0)
(1^x)-(1)
(sqrt(0))-(0)
(ln(1))-(0)
(ln(0))-(ln(0))
(sqrt(x))-(x^(1/2))
(sqrt(x)^2)-(x)
(1/sqrt(x))-(sqrt(x)/x)
(x/y+y/x)-((x^2+y^2)/(x*y))
((a+b)(a-b))-(a^2-b^2)
((a+b)^3)-(a^3+3a^2*b+3a*b^2+b^3)
(10000000000000000000000+sqrt(2))-(10000000000000000000001+sqrt(2))
(2^(1/2)+2^(1/3))-(sqrt(2)+2^(1/3))
(8^(2/3))-(4)
(sqrt(12)+sqrt(27))-(5sqrt(3))
(sqrt(12)+sqrt(27))-(sqrt(75))
(e^x*e^y)-(e^(x+y))
(pi^2/6)-(pi*pi/6)
(sqrt(pi))-(pi^(1/2))
(re(2))-(2)
(li(2))-(li(2))
(csc(1))-(csc(1))
(sqrt4)-(2)
(sqrt)-(sqrt)
(ln(2,3))-(ln(2)/ln(3))
(7/2)-(3+1/2)
(x//2)-(x//2)
(5%2)-(1)
('a')-('a')
([1])-([1])
(0.2[1])-(19/90)
(n007)-(7n)
(007j)-(7j)
(sqrt(x0))-(0)
""".strip("\n").split("\n")


def main():
    utils, math_equivalence = load(sys.argv[1]), load(sys.argv[2])
    random.seed(7)
    everything = list(golds(sys.argv[3]))
    made = {}
    for i, gold in enumerate(everything):
        options = list(variants(gold, trimmed(everything[(i + 1) % len(everything)])))
        made[gold] = list(dict.fromkeys(options))
    # Every gold with at most two variants, so that no kind of gold and no kind of variant is missing.
    chosen = [(given, gold) for gold, options in made.items() for given in random.sample(options, min(2, len(options)))]
    rich = [gold for gold in made if re.search(r"\\(frac|sqrt|pi)|,|\.|\^", gold) and len(gold) < 40]
    chosen += [(given, gold) for gold in random.sample(rich, 160) for given in random.sample(made[gold], 8)]
    chosen = list(dict.fromkeys(chosen))
    random.shuffle(chosen)
    pairs = []
    for given, truth in chosen[:PAIRS]:
        a = timed(utils.grade_answer_mathd, given, truth)
        b = timed(utils.grade_answer_sympy, given, truth)
        h = timed(math_equivalence.is_equiv, given, truth)
        if b is not None:
            pairs.append([given, truth, int(a), int(b), int(h)])

    def text(latex):
        try:
            return latex2text.LatexNodes2Text().latex_to_text(latex)
        except Exception:
            return None

    def zero(expression):
        try:
            return bool(sympy.simplify(utils._sympy_parse(expression)) == 0)
        except Exception:
            return False

    versions = {"sympy": sympy.__version__, "pylatexenc": pylatexenc.__version__}
    latex = [[source, text(source)] for source in LATEX]
    zeros = [[source, timed(zero, source)] for source in SYMPY]
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name, rows in [("pairs", pairs), ("latex", latex), ("sympy", [row for row in zeros if row[1] is not None])]:
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (FIXTURES / f"{name}.json").write_text(f'{{"versions": {json.dumps(versions)}, "rows": [\n{lines}\n]}}\n')
        print(name, len(rows))
    print("A", sum(p[2] for p in pairs), "B", sum(p[3] for p in pairs), "H", sum(p[4] for p in pairs))


main()
