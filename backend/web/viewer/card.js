// @ts-check
/**
 * SMART Health Cards as text: numeric QR or file → the bundle that a card carries. The signature is not checked here, and
 * the page says so. Source: SMART Health Cards 1.4, "Encoding Chunks as QR Codes", "Health Cards are Compact JWS".
 */
import { Trouble, fromBase64url } from './link.js';
import { inflate } from './opening.js';

/** @param {string} text `shc:/` and digits @returns {string} compact JWS */
export function jwsOfDigits(text) {
  const digits = text.trim().slice('shc:/'.length);
  if (digits.includes('/')) throw new Trouble('t_card_in_parts');
  if (!/^(\d\d)+$/.test(digits)) throw new Trouble('t_not_a_link');
  return (digits.match(/\d\d/g) ?? []).map((pair) => String.fromCharCode(Number(pair) + 45)).join('');
}

/** @param {string} jws compact @returns {Promise<{bundle: any, issuer: string}>} */
export async function bundleOfCard(jws) {
  try {
    const [head, payload] = jws.split('.');
    const header = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
    const raw = fromBase64url(payload);
    const claims = JSON.parse(new TextDecoder().decode(header.zip === 'DEF' ? await inflate(raw) : raw));
    return { bundle: claims.vc.credentialSubject.fhirBundle, issuer: String(claims.iss ?? '') };
  } catch {
    throw new Trouble('t_not_understood');
  }
}
