/** @file What a server says about a failure, whatever shape it says it in. */

/** Where servers put their words: OpenAI and its followers, FastAPI, problem details, OAuth. */
const FIELDS = [
  'error',
  'message',
  'detail',
  'error_description',
  'msg',
  'reason',
  'title',
  'errors',
] as const;
/** Words lie no deeper in any server's answers, and nesting costs nothing. */
const DEEPEST = 5;

/**
 * The words in a body: those of {"error": {"message"}}, {"error"}, {"message"}, {"detail": […]} and the like, the title
 * of a page, a text as it is; another object as JSON. Empty where there are none.
 */
export function serverWords(body: unknown): string {
  if (typeof body !== 'string') return wordsIn(body) ?? JSON.stringify({ body }).slice('{"body":'.length, -1);
  const text = body.trim();
  if (/^[{["]/.test(text)) {
    try {
      return serverWords(JSON.parse(text) as unknown);
    } catch {
      return text;
    }
  }
  if (!/^<(!doctype|html|\?xml|head|body)/i.test(text)) return text;
  const [, title] = /<title[^>]*>([^<]*)<\/title>/i.exec(text) ?? [];
  return (title ?? text.replace(/<(style|script)\b[^]*?<\/\1>|<[^>]*>/gi, ' ')).trim();
}

function wordsIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    const all = value.slice(0, 3).map((entry) => wordsIn(entry, depth + 1));
    return all.filter((words) => words !== undefined).join('; ') || undefined;
  }
  for (const field of FIELDS) {
    const words = wordsIn((value as Record<string, unknown>)[field], depth + 1);
    if (words === undefined) continue;
    // FastAPI says where: {"loc": ["body", "max_tokens"], "msg": "…"}.
    const { loc } = value as { loc?: unknown };
    return Array.isArray(loc) ? `${loc.join('.')}: ${words}` : words;
  }
  return undefined;
}
