// @ts-check
/**
 * Asks a link's server for its files and opens them here: the key never leaves the page. Nothing is stored. Not here: what a
 * file says (bundle.js). Source: SMART Health Links 1.0; RFC 7516; openapi/protocol/shares.md, "The data plane".
 */
import { Trouble, fromBase64url } from './link.js';

const EMBEDDED_CHARS_MAX = 1_000_000;
const PLAIN_BYTES_MAX = 32_000_000; // an inflated file; a bomb ends here
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @typedef {{contentType: string, text: string}} Opened */

/**
 * Every file of a link, decrypted. `onTicket` hears with what a note may be sent back, if one may.
 * @param {import('./link.js').Link} link @param {string} recipient who asks @param {string} passcode or empty
 * @param {(ticket: string) => void} [onTicket]
 * @returns {Promise<Opened[]>}
 */
export async function openLink(link, recipient, passcode, onTicket = () => {}) {
  const heard = (/** @type {Response} */ answer) => onTicket(answer.headers.get('carnet-inbox') ?? '');
  if (link.flag.includes('U')) {
    const url = new URL(link.url);
    url.searchParams.set('recipient', recipient);
    const answer = await ask(link, url, {});
    heard(answer);
    return [await openFile(await answer.text(), link.key, '')];
  }
  const body = { recipient, embeddedLengthMax: EMBEDDED_CHARS_MAX, ...(passcode ? { passcode } : {}) };
  const headers = { 'content-type': 'application/json' };
  const answer = await ask(link, link.url, { method: 'POST', headers, body: JSON.stringify(body) });
  heard(answer);
  let files;
  try {
    files = (await answer.json()).files;
  } catch {
    files = null;
  }
  if (!Array.isArray(files)) throw new Trouble('t_not_understood');
  return Promise.all(
    files.map(async (file) => {
      const jwe = file.embedded ?? (await (await ask(link, new URL(file.location), {})).text());
      return openFile(String(jwe), link.key, String(file.contentType ?? ''));
    }),
  );
}

/** @param {import('./link.js').Link} link @param {URL} url @param {RequestInit} how @returns {Promise<Response>} */
async function ask(link, url, how) {
  let answer;
  try {
    answer = await fetch(url, { ...how, credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', redirect: 'error' });
  } catch {
    if (!navigator.onLine) throw new Trouble('t_offline');
    if (url.origin !== location.origin) throw new Trouble('t_elsewhere', { host: url.host });
    throw new Trouble('t_unreachable');
  }
  if (answer.ok) return answer;
  if (answer.status === 401) {
    const left = Number((await answer.json().catch(() => ({}))).remainingAttempts);
    const tried = how.body !== undefined && String(how.body).includes('"passcode"');
    if (left === 0) throw new Trouble('t_no_tries');
    throw new Trouble(tried ? 't_wrong_passcode' : 't_passcode', Number.isFinite(left) ? { n: left } : {});
  }
  if (answer.status === 404) throw new Trouble(link.endsAt !== null && link.endsAt < Date.now() ? 't_expired' : 't_closed');
  if (answer.status === 429 || answer.status === 503) {
    throw new Trouble('t_busy', { n: Math.max(1, Number(answer.headers.get('retry-after')) || 30) });
  }
  throw new Trouble('t_unreachable');
}

/** @param {string} jwe compact @param {Uint8Array<ArrayBuffer>} key @param {string} contentType of the manifest, or empty @returns {Promise<Opened>} */
export async function openFile(jwe, key, contentType) {
  const parts = jwe.trim().split('.');
  if (parts.length !== 5) throw new Trouble('t_not_encrypted');
  let header, iv, sealed;
  try {
    header = JSON.parse(utf8.decode(fromBase64url(parts[0])));
    iv = fromBase64url(parts[2]);
    sealed = joined(fromBase64url(parts[3]), fromBase64url(parts[4]));
  } catch {
    throw new Trouble('t_not_encrypted');
  }
  if (header.alg !== 'dir' || header.enc !== 'A256GCM') throw new Trouble('t_not_encrypted');
  const secret = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const additionalData = new TextEncoder().encode(parts[0]);
  let plain;
  try {
    plain = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData, tagLength: 128 }, secret, sealed));
  } catch {
    throw new Trouble('t_wrong_key');
  }
  if (header.zip === 'DEF') plain = await inflate(plain);
  try {
    return { contentType: contentType || String(header.cty ?? ''), text: utf8.decode(plain) };
  } catch {
    throw new Trouble('t_not_understood');
  }
}

/** Raw DEFLATE, up to a cap. @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function inflate(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts = [];
  let size = 0;
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      size += step.value.length;
      if (size > PLAIN_BYTES_MAX) {
        await reader.cancel();
        throw new Trouble('t_too_large');
      }
      parts.push(step.value);
    }
  } catch (error) {
    throw error instanceof Trouble ? error : new Trouble('t_not_understood');
  }
  return joined(...parts);
}

/** @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
