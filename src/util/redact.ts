/** @file Hides what is secret in addresses before they are shown or stored. */

const HIDDEN = '***';

/** Divides a text at the commas between addresses: a comma within one, where no other begins, stays. */
export const addressesIn = (text: string): string[] => text.split(/\s*,\s*(?=[a-z][a-z0-9+.-]*:\/\/)/i);

/** Hides what is secret in each of the addresses of a text; see `redactOne`. */
export const redactUrl = (text: string): string => addressesIn(text).map(redactOne).join(',');

/**
 * Hides user name and password of an address, the values of its query and its fragment; a name of a setting such as
 * `key` stays. What is not a URL is cut as one would be that was meant, so that a mistyped address tells nothing either.
 */
function redactOne(url: string): string {
  const query = url.search(/[?#]/);
  const address = query < 0 ? url : url.slice(0, query);
  if (!URL.canParse(address) && url.lastIndexOf('@') > query) return redactAddress(url); // the password has a ? or # in it
  const rest = query < 0 ? '' : url.slice(query);
  return (
    redactAddress(address) + rest.replace(/([?&;])([^=&;#]*)=[^&;#]*/g, `$1$2=${HIDDEN}`).replace(/#.*$/s, '')
  );
}

/** Hides all before the last @ of the part that names user and host; of all of it where that part cannot be told. */
function redactAddress(address: string): string {
  const begin = /^[a-z][a-z0-9+.-]*:[\\/]+/i.exec(address)?.[0] ?? '';
  const rest = address.slice(begin.length);
  const path = begin !== '' && URL.canParse(address) ? rest.search(/[\\/]/) : -1;
  const authority = path < 0 ? rest : rest.slice(0, path);
  const at = authority.lastIndexOf('@');
  return at < 0 ? address : `${begin}${HIDDEN}${rest.slice(at)}`;
}

/** Names of settings that hold something secret, by a word in them: `api_key`, `Authorization`, `hfToken`. */
const SECRET_NAME =
  /(keys?|token|secrets?|pass(word|wd|phrase)?|pwd|auth(orization)?|credentials?|bearer|cookie|signature|sig)(_|$)/;
/** Such names that hold nothing secret: `api_key_env`, `stop_token_ids`, `eos_token`. */
const HARMLESS_NAME = /_(env|ids?|field|budget)$|^(bos|eos|pad|unk|stop|start|end|mask|sep|cls)_token$/;
/** Values that are secret whatever their name. */
const SECRET_VALUE = /^(bearer|basic) +\S|^(sk|hf|gsk|xai)[-_][\w-]{16,}$/i;
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\/\S*$/i;

/** Whether a text is the name of an environment variable as they are usually written, and hence no key. */
export function isVariableName(text: string): boolean {
  return /^[A-Z_][A-Z0-9_]{0,63}$/.test(text);
}

function isSecret(name: string, value: string): boolean {
  if (SECRET_VALUE.test(value)) return true;
  const words = name.replace(/([a-z])(?=[A-Z])/g, '$1_').replace(/[^a-z0-9]+/gi, '_');
  const lower = words.toLowerCase();
  if (/key_env$/.test(lower)) return !isVariableName(value); // the key itself, given in place of the variable's name
  return SECRET_NAME.test(lower) && !HARMLESS_NAME.test(lower);
}

/** Walks through plain data and replaces its secret texts, which `hide` is given; addresses it is given whole. */
function replaceSecrets(
  value: unknown,
  hide: (secret: string, isAddress: boolean) => string,
  name = '',
  within = false,
): unknown {
  if (typeof value === 'string') {
    if (value !== '' && (within || isSecret(name, value))) return hide(value, false);
    return ADDRESS.test(value) ? hide(value, true) : value;
  }
  if (typeof value === 'number' && /pass|secret/i.test(name)) return hide(String(value), false);
  if (typeof value !== 'object' || value === null) return value;
  // What is below a secret name is secret under any name: {auth: {user: …}}.
  const below = within || (name !== '' && isSecret(name, ''));
  if (Array.isArray(value)) return value.map((entry) => replaceSecrets(entry, hide, name, below));
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, replaceSecrets(entry, hide, key, below)]),
  );
}

/** Settings as they may be stored and shown: what is secret by its name or in an address is `***`. */
export function redactSettings<T>(settings: T): T {
  return replaceSecrets(settings, (secret, isAddress) => (isAddress ? redactUrl(secret) : HIDDEN)) as T;
}

/** The secrets that settings or an address hold, for `maskSecrets`. */
export function secretsIn(settings: unknown): string[] {
  const found: string[] = [];
  replaceSecrets({ '': settings }, (secret, isAddress) => {
    found.push(...(isAddress ? secretsInUrl(secret) : [secret]));
    return secret;
  });
  return found;
}

const secretsInUrl = (text: string): string[] => addressesIn(text).flatMap(secretsInOne);

function secretsInOne(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const { username, password, search, searchParams } = new URL(text);
  const raw = [username, password, ...search.split(/[?&;]/).map((pair) => pair.replace(/^[^=]*=?/, ''))];
  return [...raw, ...searchParams.values()].filter((secret) => secret !== '');
}

/** Shorter ones would be found in every text. */
const SHORTEST_SECRET = 4;

/** Hides secrets that are known wherever they stand in a text: as they are, and as addresses and JSON write them. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [secret, ...secret.split(/\s+/), secret.replace(/^(bearer|basic) +/i, '')])
    .flatMap((secret) => [
      secret,
      encodeURIComponent(Buffer.from(secret).toString()),
      JSON.stringify(secret).slice(1, -1),
    ])
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, HIDDEN), text);
}
