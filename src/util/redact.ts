/** @file Hides what is secret in addresses before they are shown or stored. */

const HIDDEN = '***';

/**
 * Hides user name and password of an address, the values of its query and its fragment; a name of a setting such as
 * `key` stays. What is not a URL is cut as one would be that was meant, so that a mistyped address tells nothing either.
 */
export function redactUrl(url: string): string {
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

/** Hides the same in every address within a text, for messages of libraries that quote addresses. */
export function redactUrls(text: string): string {
  return text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi, redactUrl);
}
