// @ts-check
/**
 * SMART Health Links as text: what a link says, before anything is fetched. Unknown properties and flags are ignored, a
 * newer version is refused. Not here: any request, any decryption. Source: SMART Health Links 1.0, "SMART Health Links
 * Payload"; openapi/protocol/shares.md, SHR-3.
 */

/** Something that a person can be told: `code` is a key of the words, `about` what stands in its gaps. */
export class Trouble extends Error {
  /** @param {string} code @param {Record<string, string | number>} [about] */
  constructor(code, about = {}) {
    super(code);
    this.code = code;
    this.about = about;
  }
}

/**
 * @typedef {object} Link
 * @property {URL} url where its files are asked for
 * @property {Uint8Array<ArrayBuffer>} key 32 bytes
 * @property {string} flag
 * @property {number | null} endsAt milliseconds since 1970; a hint
 * @property {string} label
 * @property {boolean} emergency why it is opened is asked, too
 */

/** @param {string} text base64url @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*=*$/.test(text)) throw new Trouble('t_not_a_link');
  const raw = atob(text.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

/** The first link in a text, with or without a viewer's address before it. @param {string} text @returns {string | null} */
export function findLink(text) {
  return /shlink:\/[A-Za-z0-9_\-=]+/.exec(text)?.[0] ?? null;
}

/** @param {string} text @returns {Link} */
export function readLink(text) {
  const found = findLink(text);
  if (!found) throw new Trouble('t_not_a_link');
  let payload;
  try {
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(found.slice('shlink:/'.length))));
  } catch {
    throw new Trouble('t_not_a_link');
  }
  if (typeof payload !== 'object' || payload === null) throw new Trouble('t_not_a_link');
  if (payload.v !== undefined && Number(payload.v) > 1) throw new Trouble('t_newer');
  let url, key;
  try {
    url = new URL(payload.url);
    key = fromBase64url(String(payload.key));
  } catch {
    throw new Trouble('t_not_a_link');
  }
  const plain = url.protocol === 'http:' && (url.origin === location.origin || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname));
  if (key.length !== 32 || (url.protocol !== 'https:' && !plain)) throw new Trouble('t_not_a_link');
  const flag = typeof payload.flag === 'string' ? payload.flag : '';
  return { url, key, flag, endsAt: readEnd(payload.exp), label: String(payload.label ?? '').slice(0, 80), emergency: payload.emergency === true };
}

/** Seconds as the standard says; links in the wild write milliseconds, or either as text. @param {unknown} exp */
function readEnd(exp) {
  const value = Number(exp ?? Number.NaN);
  if (!Number.isFinite(value) || value <= 0) return null;
  return value > 1e11 ? value : value * 1000;
}

/** True if a text is a card's numeric QR. @param {string} text */
export const isCard = (text) => /^\s*shc:\//.test(text);
