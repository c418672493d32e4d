// @ts-check
/**
 * The page's own words in the reader's language, one file a language, fetched when it is chosen; English stands in for a word
 * that a language lacks. Not here: words of the document. Each word in words/*.json has its source or `reviewed`.
 */

/** @typedef {{text: string, source?: string, reviewed?: string}} Word */
/** Codes of the languages and what each calls itself. @type {Record<string, string>} */
export const LANGUAGES = {
  bg: 'български', cs: 'čeština', da: 'dansk', de: 'Deutsch', el: 'ελληνικά', en: 'English', es: 'español', et: 'eesti', fi: 'suomi',
  fr: 'français', ga: 'Gaeilge', hr: 'hrvatski', hu: 'magyar', it: 'italiano', lt: 'lietuvių', lv: 'latviešu', mt: 'Malti',
  nl: 'Nederlands', pl: 'polski', pt: 'português', ro: 'română', sk: 'slovenčina', sl: 'slovenščina', sv: 'svenska',
};

/** @type {Map<string, Record<string, Word>>} */
const loaded = new Map();

/** @param {string} lang @returns {Promise<void>} */
export async function load(lang) {
  const wanted = [...new Set(['en', lang])].filter((each) => !loaded.has(each));
  await Promise.all(wanted.map(async (each) => {
    // As the page preloads the English ones: another `credentials` would fetch them twice. The server sets no cookie.
    const answer = await fetch(new URL(`words/${each}.json`, import.meta.url), { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(`no words for ${each}`);
    loaded.set(each, await answer.json());
  }));
}

/** What codes are called, by language: fetched whole, so that nobody learns which code was looked for. @type {Map<string, Record<string, Record<string, string>>>} */
const packs = new Map();
const WITH_PACK = ['de', 'el', 'en', 'es', 'fr', 'it'];

/** The term pack of a language, if there is one; without it names stay as the document has them. @param {string} lang @returns {Promise<void>} */
export async function loadTerms(lang) {
  if (!WITH_PACK.includes(lang) || packs.has(lang)) return;
  try {
    const answer = await fetch(new URL(`terms/${lang}.json`, import.meta.url), { credentials: 'same-origin' });
    if (answer.ok) packs.set(lang, (await answer.json()).terms);
  } catch {
    // asked again with the next summary
  }
}

/** The first language that the reader's browser names and this page has. */
export function preferred() {
  const named = navigator.languages.map((each) => each.slice(0, 2).toLowerCase());
  return named.find((each) => each in LANGUAGES) ?? 'en';
}

/** @param {string} lang a loaded one @returns {import('./terms.js').Reader & {lacks: number, unreviewed: number}} */
export function reader(lang) {
  const own = loaded.get(lang) ?? {}, english = loaded.get('en') ?? {};
  return {
    lang,
    called: ({ system, code }) => packs.get(lang)?.[system]?.[code],
    has: (key) => key in english,
    t: (key, about = {}) => (own[key] ?? english[key])?.text.replace(/\{(\w+)\}/g, (_, name) => String(about[name] ?? '')) ?? key,
    lacks: Object.keys(english).filter((key) => !(key in own)).length,
    unreviewed: Object.values(own).filter((word) => word.reviewed === 'no').length,
  };
}
