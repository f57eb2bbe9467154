/** @file Looks whether several endpoints have the same model, as far as they tell. */
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import type { Address } from './fleet.js';

/** What `/models` tells of a model; vLLM has the last two. */
const model = z.looseObject({
  id: z.string(),
  root: z.string().nullish(),
  max_model_len: z.number().nullish(),
});
const modelList = z.object({ data: z.array(model).min(1) });
type Model = z.infer<typeof model>;

const PATIENCE_MS = 10_000;

/**
 * Asks each address for its models. One that does not answer, or has no such list, may be right all the same.
 * @throws UserError naming two addresses that contradict each other
 */
export async function requireSameModel(
  addresses: readonly Address[],
  name: string,
  urlOf: (base: URL, path: string) => string,
  headers: Record<string, string> | undefined,
): Promise<void> {
  const lists = await Promise.all(addresses.map(({ base }) => listOf(urlOf(base, '/models'), headers)));
  const told = addresses.flatMap(({ shown }, i) => {
    const list = lists[i];
    return list ? [{ shown, found: list.find(({ id }) => id === name) }] : [];
  });
  const first = told.find(({ found }) => found !== undefined);
  if (!first) return;
  for (const { shown, found } of told) {
    if (found === undefined)
      throw new UserError(
        `${first.shown} has the model ${name} and ${shown} has not: name endpoints of one model.`,
      );
    const [key, one, other] = difference(first.found!, found) ?? [];
    if (key !== undefined)
      throw new UserError(
        `${first.shown} and ${shown} have different models under the name ${name} (${key} ${one} and ${other}): name endpoints of one model.`,
      );
  }
}

/** Finds what two descriptions say differently. Paths of the weights may differ between machines. */
function difference(a: Model, b: Model): [key: string, one: string, other: string] | undefined {
  const [long, short] = [a.max_model_len, b.max_model_len];
  if (long != null && short != null && long !== short) return ['max_model_len', String(long), String(short)];
  const [one, other] = [a.root, b.root];
  const named = one != null && other != null && !one.startsWith('/') && !other.startsWith('/');
  return named && one !== other ? ['root', one, other] : undefined;
}

async function listOf(url: string, headers?: Record<string, string>): Promise<Model[] | undefined> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { headers: { ...headers }, redirect: 'manual', signal });
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    return modelList.safeParse(await response.json()).data?.data;
  } catch {
    return undefined;
  }
}
