// @ts-check
/**
 * A note back to whoever shared: sealed here, sent, and how far it has come. The key comes from the share's own encrypted files,
 * never from a server's answer. Not here: what stands on the screen (note_form.js). Source: RFC 9180, base mode, DHKEM(P-256,
 * HKDF-SHA256), HKDF-SHA256, AES-256-GCM; openapi/protocol/inbox.md.
 */
import { Trouble } from './link.js';

const KEY_URL = 'https://carnet.example/fhir/StructureDefinition/inbox-key';
const STEP = 4096;
export const DOCUMENT_BYTES_MAX = 524_288;
export const TEXT_CHARS_MAX = 4_000;
export const TYPES = ['application/pdf', 'image/png', 'image/jpeg'];
const utf8 = new TextEncoder();
const none = new Uint8Array(0);

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {{id: string, number: number, sent_at: number, fetched_at: number | null, opened_at: number | null, answered_at: number | null, answer: string | null}} Mark */
/** @typedef {{link: import('./link.js').Link, ticket: string, key: Bytes}} Box where notes go: `ticket` of the open, `key` of the share */

/** The key that a document carries for notes, or null. @param {string} text FHIR JSON @returns {Bytes | null} */
export function inboxKey(text) {
  const extensions = JSON.parse(text)?.meta?.extension;
  const held = (Array.isArray(extensions) ? extensions : []).find((each) => each?.url === KEY_URL)?.valueBase64Binary;
  if (typeof held !== 'string') return null;
  const key = fromBase64(held);
  return key.length === 65 ? key : null;
}

/** Seals and sends a note. @param {Box} box @param {string} from @param {string} text @param {File | undefined} file */
export async function sendNote(box, from, text, file) {
  if (!text.trim() && !file) throw new Trouble('t_note_empty');
  if (file && (!TYPES.includes(file.type) || !file.size || file.size > DOCUMENT_BYTES_MAX)) throw new Trouble('t_note_document', { n: DOCUMENT_BYTES_MAX / 1024 });
  const document = file && { name: file.name.slice(0, 256), type: file.type, data: toBase64(new Uint8Array(await file.arrayBuffer())) };
  const plain = utf8.encode(JSON.stringify({ v: 1, from, text, ...(document ? { document } : {}) }));
  const filled = new Uint8Array(Math.ceil(plain.length / STEP) * STEP).fill(0x20);
  filled.set(plain);
  const id = crypto.getRandomValues(new Uint8Array(16));
  const aad = joined(utf8.encode('carnet/1/share note\0'), id);
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const outer = await outerKey(box.link.key, 'share note', 'encrypt');
  const inner = await hpkeSeal(box.key, aad, filled);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: aad }, outer, inner));
  const body = JSON.stringify({ id: toBase64(id), note: toBase64(joined(nonce, sealed)) });
  await ask(box, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

/** How far the notes of this share have come, answers opened. @param {Box} box @returns {Promise<Mark[]>} */
export async function readMarks(box) {
  const found = await (await ask(box, {})).json();
  if (!Array.isArray(found)) throw new Trouble('t_not_understood');
  const key = await outerKey(box.link.key, 'share answer', 'decrypt');
  return Promise.all(found.map(async (mark) => ({ ...mark, answer: typeof mark.answer === 'string' ? await openAnswer(key, mark) : null })));
}

/** @param {CryptoKey} key @param {Mark} mark @returns {Promise<string | null>} null for what does not open */
async function openAnswer(key, mark) {
  try {
    const sealed = fromBase64(String(mark.answer));
    const additionalData = joined(utf8.encode('carnet/1/share answer\0'), fromBase64(mark.id));
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.slice(0, 12), additionalData }, key, sealed.slice(12));
    return new TextDecoder('utf-8', { fatal: true }).decode(plain).replace(/ +$/, '');
  } catch {
    return null;
  }
}

/** @param {Box} box @param {RequestInit} how @returns {Promise<Response>} */
async function ask(box, how) {
  let answer;
  try {
    const url = new URL(`/s/notes/${box.ticket}`, box.link.url);
    answer = await fetch(url, { ...how, credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', redirect: 'error' });
  } catch {
    throw new Trouble(navigator.onLine ? 't_unreachable' : 't_offline');
  }
  if (answer.ok) return answer;
  if (answer.status === 404) throw new Trouble('t_note_closed');
  if (answer.status === 403) throw new Trouble('t_note_full');
  if (answer.status === 429 || answer.status === 503) throw new Trouble('t_busy', { n: Math.max(1, Number(answer.headers.get('retry-after')) || 30) });
  throw new Trouble('t_unreachable');
}

/** The key that only the link gives. @param {Bytes} linkKey @param {string} label @param {'encrypt' | 'decrypt'} use */
async function outerKey(linkKey, label, use) {
  const material = await crypto.subtle.importKey('raw', linkKey, 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info: utf8.encode(`carnet/1/${label}\0`) };
  return crypto.subtle.deriveKey(how, material, { name: 'AES-GCM', length: 256 }, false, [use]);
}

/** Single-shot HPKE, base mode: enc ‖ ciphertext (RFC 9180, 4.1, 5.1, 6.1). @param {Bytes} publicKey 65 bytes @param {Bytes} info @param {Bytes} plain */
async function hpkeSeal(publicKey, info, plain) {
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  const theirs = await crypto.subtle.importKey('raw', publicKey, curve, false, []);
  const mine = await crypto.subtle.generateKey(curve, false, ['deriveBits']);
  const enc = new Uint8Array(await crypto.subtle.exportKey('raw', mine.publicKey));
  const dh = new Uint8Array(await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, mine.privateKey, 256));
  const kem = joined(utf8.encode('KEM'), new Uint8Array([0x00, 0x10]));
  const suite = joined(utf8.encode('HPKE'), new Uint8Array([0x00, 0x10, 0x00, 0x01, 0x00, 0x02]));
  const shared = await expand(kem, await extract(kem, none, 'eae_prk', dh), 'shared_secret', joined(enc, publicKey), 32);
  const context = joined(new Uint8Array([0]), await extract(suite, none, 'psk_id_hash', none), await extract(suite, none, 'info_hash', info));
  const secret = await extract(suite, shared, 'secret', none);
  const key = await crypto.subtle.importKey('raw', await expand(suite, secret, 'key', context, 32), 'AES-GCM', false, ['encrypt']);
  const iv = await expand(suite, secret, 'base_nonce', context, 12);
  return joined(enc, new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain)));
}

/** LabeledExtract. @param {Bytes} suite @param {Bytes} salt empty or 32 bytes @param {string} label @param {Bytes} ikm */
function extract(suite, salt, label, ikm) {
  return mac(salt.length ? salt : new Uint8Array(32), joined(utf8.encode('HPKE-v1'), suite, utf8.encode(label), ikm));
}

/** LabeledExpand of at most one block. @param {Bytes} suite @param {Bytes} key @param {string} label @param {Bytes} info @param {number} length up to 32 */
async function expand(suite, key, label, info, length) {
  const labelled = joined(new Uint8Array([0, length]), utf8.encode('HPKE-v1'), suite, utf8.encode(label), info, new Uint8Array([1]));
  return (await mac(key, labelled)).slice(0, length);
}

/** HMAC-SHA256. @param {Bytes} key @param {Bytes} data @returns {Promise<Bytes>} */
async function mac(key, data) {
  const held = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', held, data));
}

/** @param {Uint8Array[]} parts @returns {Bytes} */
function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {string} text @returns {Bytes} */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

/** @param {Bytes} bytes in steps, because an engine takes only so many arguments */
function toBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
