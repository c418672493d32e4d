// @ts-check
/**
 * SMART Health Cards as text: numeric QR or file → the bundle that a card carries, and what can be said of its signature. Who is
 * to be trusted is never said here: a card of a patient's own phone is "carried", any other "signed by", and without network
 * "not checked". Source: SMART Health Cards 1.4; openapi/protocol/viewer.md, VIE-30.
 */
import { Trouble, fromBase64url } from './link.js';
import { inflate } from './opening.js';

/** @typedef {{code: string, host: string, since: string}} Judged `code`: key of the words */

/** Codes of one card that have come so far. @typedef {{count: number, digits: Map<number, string>}} Pieces */
const CODE = /shc:\/(?:(\d{1,2})\/(\d{1,2})\/)?(\d*)/g;

/**
 * The card in the texts of one code or several; what is not whole yet is kept in `held`.
 * @param {string} text `shc:/` and digits, or `shc:/1/3/` and digits, once or more @param {Pieces} held @returns {string} compact JWS
 */
export function jwsOfCodes(text, held) {
  for (const [, place, count, digits] of text.matchAll(CODE)) {
    if (count === undefined) return jwsOfDigits(digits);
    const [number, all] = [Number(place), Number(count)];
    if (number < 1 || number > all || !digits) throw new Trouble('t_not_a_link');
    if (held.digits.size && (held.count !== all || (held.digits.get(number) ?? digits) !== digits)) {
      held.digits.clear();
      throw new Trouble('t_card_other_set');
    }
    held.count = all;
    held.digits.set(number, digits);
  }
  if (held.digits.size < held.count) throw new Trouble('t_card_in_parts', { n: held.digits.size, of: held.count });
  const digits = [...held.digits].sort(([a], [b]) => a - b).map(([, each]) => each).join('');
  held.digits.clear();
  return jwsOfDigits(digits);
}

/** @param {string} digits two a character @returns {string} */
function jwsOfDigits(digits) {
  if (!/^(\d\d)+$/.test(digits)) throw new Trouble('t_not_a_link');
  return (digits.match(/\d\d/g) ?? []).map((pair) => String.fromCharCode(Number(pair) + 45)).join('');
}

/** @param {string} jws compact @returns {Promise<{bundle: any, issuer: Judged}>} */
export async function bundleOfCard(jws) {
  let kid, claims;
  try {
    const [head, payload] = jws.split('.');
    const header = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
    const raw = fromBase64url(payload);
    claims = JSON.parse(new TextDecoder().decode(header.zip === 'DEF' ? await inflate(raw) : raw));
    kid = String(header.kid);
    if (!claims.vc.credentialSubject.fhirBundle) throw new Error('no bundle');
  } catch {
    throw new Trouble('t_not_understood');
  }
  return { bundle: claims.vc.credentialSubject.fhirBundle, issuer: await judge(jws, kid, claims) };
}

/** @param {string} jws @param {string} kid @param {any} claims @returns {Promise<Judged>} */
async function judge(jws, kid, claims) {
  const issuer = String(claims.iss ?? '').replace(/\/$/, '');
  let host = issuer;
  try {
    host = new URL(issuer).host;
  } catch {
    // shown as it is written
  }
  const since = new Date((Number(claims.nbf) || 0) * 1000).toISOString();
  const keys = await asked(`${issuer}/.well-known/jwks.json`);
  // The page's own server never refuses to be asked: if it does not answer, there is no network, whatever the browser thinks.
  const offline = !navigator.onLine || issuer.startsWith(`${location.origin}/`);
  if (keys === null) return { code: offline ? 'w_offline' : 'w_card', host: issuer || '?', since };
  const jwk = (Array.isArray(keys.keys) ? keys.keys : []).find((/** @type {any} */ key) => key?.kid === kid);
  if (!jwk) throw new Trouble('t_card_revoked');
  if (!(await holds(jws, kid, jwk))) throw new Trouble('t_card_altered');
  const list = claims.vc.rid && jwk.crlVersion ? await asked(`${issuer}/.well-known/crl/${encodeURIComponent(kid)}.json`) : null;
  if (Array.isArray(list?.rids) && list.rids.some((/** @type {any} */ rid) => String(rid).split('.')[0] === claims.vc.rid)) throw new Trouble('t_card_revoked');
  return { code: /\/i\/[A-Za-z0-9_-]{22}$/.test(issuer) ? 'w_carried' : 'w_signed', host, since };
}

/** What an issuer publishes; null if it cannot be asked, by this page or now. @param {string} url @returns {Promise<any>} */
async function asked(url) {
  let answer;
  try {
    answer = await fetch(url, { credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', redirect: 'error' });
  } catch {
    return null;
  }
  if (answer.status === 404) return {};
  return answer.ok ? answer.json().catch(() => ({})) : null;
}

/** ES256 by a key whose thumbprint (RFC 7638) is the kid. @param {string} jws @param {string} kid @param {any} jwk */
async function holds(jws, kid, { x, y }) {
  try {
    const [head, payload, signature] = jws.split('.');
    const text = (/** @type {string} */ each) => new TextEncoder().encode(each);
    const print = new Uint8Array(await crypto.subtle.digest('SHA-256', text(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)));
    if (fromBase64url(kid).join() !== print.join()) return false;
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', x, y }, ecdsa, false, ['verify']);
    return await crypto.subtle.verify(ecdsa, key, fromBase64url(signature), text(`${head}.${payload}`));
  } catch {
    return false;
  }
}
