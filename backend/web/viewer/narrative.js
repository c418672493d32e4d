// @ts-check
/**
 * A document's own XHTML as harmless nodes: text, lists and tables, nothing that loads, runs, links or styles. Fetched only when a
 * narrative has to be shown. Source: FHIR R4 "Narrative"; DOMPurify.
 */
import DOMPurify from './vendor/dompurify.js';

/** @param {string} xhtml untrusted @returns {DocumentFragment} */
export function harmless(xhtml) {
  return /** @type {any} */ (DOMPurify).sanitize(xhtml, {
    ALLOWED_TAGS: 'div p br hr b i em strong u sub sup ul ol li dl dt dd table caption thead tbody tfoot tr th td h3 h4 h5 h6 pre span'.split(' '),
    ALLOWED_ATTR: ['colspan', 'rowspan', 'lang'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
