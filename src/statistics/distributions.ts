/** @file Computes distribution functions and their inverses: normal, beta, Student's t, signs. Accurate to about 1e-13. */

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
/** From here on, Stirling's series to x⁻¹³ is exact in double precision. */
const STIRLING_FROM = 15;
/** B₂ₘ / (2m (2m − 1)), the coefficients of x^(1 − 2m) in Stirling's series (Abramowitz and Stegun, 6.1.40). */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156];

/** Computes ln Γ(x) for x > 0 by Stirling's series, and by Γ(x) = Γ(x + 1) / x where x is small. */
export function logGamma(x: number): number {
  return stirling(x) + stirlingError(x);
}

/** ln Γ(x) without the series of small terms. */
const stirling = (x: number): number => (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI;

/** ln Γ(x) − (x − ½) ln x + x − ½ ln 2π: what Stirling's formula lacks. */
function stirlingError(x: number): number {
  if (x < STIRLING_FROM) {
    let [product, far] = [1, x];
    while (far < STIRLING_FROM) product *= far++;
    return stirling(far) + stirlingError(far) - Math.log(product) - stirling(x);
  }
  return STIRLING.reduceRight((sum, coefficient) => sum / (x * x) + coefficient, 0) / x;
}

/** Computes erfc(x) = 1 − erf(x), with a small relative error in the tail as well. */
export function complementaryError(x: number): number {
  if (x < 0) return 2 - complementaryError(-x);
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2) {
    // erf(x) = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!! (Abramowitz and Stegun, 7.1.6).
    let [term, sum] = [x, 0];
    for (let n = 1; sum + term !== sum; n++) {
      sum += term;
      term *= (2 * x * x) / (2 * n + 1);
    }
    return 1 - 2 * scale * sum;
  }
  // erfc(x) = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + (3/2)/(x + …)))) (7.1.14), from its far end.
  let fraction = x;
  for (let n = 150; n >= 1; n--) fraction = x + n / 2 / fraction;
  return scale / fraction;
}

/** P(|Z| ≥ |z|) for a standard normal Z. */
export const twoSidedNormal = (z: number): number => complementaryError(Math.abs(z) / Math.SQRT2);

/** P(Z ≤ z) for a standard normal Z. */
export const normalCdf = (z: number): number => complementaryError(-z / Math.SQRT2) / 2;

/**
 * The z with P(Z ≤ z) = p, by Halley's method from the approximation of Abramowitz and Stegun, 26.2.23.
 * @param p in [0, 1]; −∞ and ∞ at its ends
 */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p === 0) return -Infinity;
  const t = Math.sqrt(-2 * Math.log(p));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  let z = above / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (let i = 0; i < 3; i++) {
    const step = (normalCdf(z) - p) * Math.sqrt(2 * Math.PI) * Math.exp((z * z) / 2);
    z -= step / (1 + (z * step) / 2);
  }
  return z;
}

/**
 * The regularised incomplete beta function I_x(a, b) = P(X ≤ x) for X ~ Beta(a, b), by Lentz's evaluation of its continued
 * fraction (DLMF 8.17.22).
 * @param x in [0, 1]
 * @param a positive
 * @param b positive
 */
export function betaCdf(x: number, a: number, b: number): number {
  return betaOf(x, 1 - x, a, b);
}

/** I_x(a, b), where 1 − x is known better than by subtraction. */
function betaOf(x: number, y: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  return x > (a + 1) / (a + b + 2) ? 1 - lowerBeta(y, x, b, a) : lowerBeta(x, y, a, b);
}

/** I_x(a, b) where x is below the mean or hardly above; y is 1 − x. */
function lowerBeta(x: number, y: number, a: number, b: number): number {
  let [c, d] = [1, 1 / notZero(1 - ((a + b) * x) / (a + 1))];
  let fraction = d;
  for (let m = 1; m <= MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) return (betaPower(x, y, a, b) / a) * fraction;
  }
  throw new RangeError(`I_x(a, b) has no value at x = ${x}, a = ${a}, b = ${b}`);
}

/** The continued fraction needs about √max(a, b) of them. */
const MOST_TERMS = 1_000_000;

/** Lentz's method divides by these. */
const notZero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);

/** x^a (1 − x)^b / B(a, b), without cancellation where a and b are large: by Stirling's formula and what it lacks. */
function betaPower(x: number, y: number, a: number, b: number): number {
  const off = x * b - y * a; // how far x is from the mean, times a + b
  // ln(x / mean), by the small number that it is near the mean.
  const log = (off: number, share: number, of: number) =>
    Math.abs(off) < of / 2 ? Math.log1p(off / of) : Math.log((share * (a + b)) / of);
  const exponent = a * log(off, x, a) + b * log(-off, y, b);
  const lacking = stirlingError(a + b) - stirlingError(a) - stirlingError(b);
  return Math.sqrt((a * b) / (2 * Math.PI * (a + b))) * Math.exp(exponent + lacking);
}

/**
 * The x with I_x(a, b) = p, by Newton's method kept between bounds.
 * @param p in [0, 1]
 */
export function betaQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  let [low, high] = [0, 1];
  let x = a / (a + b);
  for (let i = 0; i < 300; i++) {
    const miss = betaCdf(x, a, b) - p;
    if (miss > 0) high = x;
    else low = x;
    const newton = x - (miss * x * (1 - x)) / betaPower(x, 1 - x, a, b);
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - x) <= 1e-16 * x) return next;
    x = next;
  }
  return x;
}

/** P(|T| ≥ |t|) for Student's t with `degrees` of freedom, by the incomplete beta function. */
export function twoSidedStudent(t: number, degrees: number): number {
  const sum = degrees + t * t;
  return betaOf(degrees / sum, (t * t) / sum, degrees / 2, 0.5);
}

/** P(T ≤ t) for Student's t with `degrees` of freedom. */
export function studentCdf(t: number, degrees: number): number {
  const tail = twoSidedStudent(t, degrees) / 2;
  return t > 0 ? 1 - tail : tail;
}

/** The t with P(T ≤ t) = p for Student's t with `degrees` of freedom. @param p in (0, 1) */
export function studentQuantile(p: number, degrees: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, degrees);
  const outside = 2 * (1 - p);
  if (outside > 0.5) {
    const y = betaQuantile(1 - outside, 0.5, degrees / 2);
    return Math.sqrt((degrees * y) / (1 - y));
  }
  const x = betaQuantile(outside, degrees / 2, 0.5);
  return Math.sqrt((degrees * (1 - x)) / x);
}

/** P(X ≥ k) for X the number of heads in n fair throws: I_½(k, n − k + 1). */
export function fairTail(k: number, n: number): number {
  return k <= 0 ? 1 : k > n ? 0 : betaCdf(0.5, k, n - k + 1);
}

/**
 * The chances of 0 to k right ones among k that are drawn without replacement from n, of which c are right: the hypergeometric
 * distribution, by the ratio of neighbours from its mode on, so that nothing overflows.
 * @param c from 0 to n
 * @param k from 0 to n
 */
export function hypergeometric(n: number, c: number, k: number): Float64Array {
  const chances = new Float64Array(k + 1);
  const [least, most] = [Math.max(0, k - (n - c)), Math.min(k, c)];
  const mode = Math.min(most, Math.max(least, Math.floor(((k + 1) * (c + 1)) / (n + 2))));
  const ratio = (j: number) => ((c - j) * (k - j)) / ((j + 1) * (n - c - k + j + 1)); // of j + 1 to j
  chances[mode] = 1;
  for (let j = mode; j < most; j++) chances[j + 1] = chances[j]! * ratio(j);
  for (let j = mode; j > least; j--) chances[j - 1] = chances[j]! / ratio(j - 1);
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  return chances.map((chance) => chance / total);
}
