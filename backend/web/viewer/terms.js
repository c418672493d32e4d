// @ts-check
/**
 * Codes, dates and amounts in the reader's language, with what the document itself says beside them. A translation comes from a
 * designation that the document carries, from the term pack or from this page's words, never from a machine. Not here: elements on screen.
 * Source: FHIR R4 "CodeableConcept", "translation" extension; openapi/protocol/viewer.md, VIE-5.
 */
import { SYSTEMS, WHEN, WORDS, keyOf } from './codes.js';
import { list } from './bundle.js';

/** @typedef {{text: string, original: string, translated: boolean}} Term `original`: what the document says, if `text` is a translation */
/**
 * @typedef {object} Reader
 * @property {string} lang
 * @property {(key: string, about?: Record<string, string | number>) => string} t
 * @property {(key: string) => boolean} has whether a key is of the words
 * @property {(coding: any) => string | undefined} called what the term pack calls a code
 */

const TRANSLATION = 'http://hl7.org/fhir/StructureDefinition/translation';

/** What an element's translation extension says in a language. @param {any} element `_display` or `_text` @param {string} lang */
function designation(element, lang) {
  for (const extension of list(element?.extension)) {
    if (extension.url !== TRANSLATION) continue;
    const of = (/** @type {string} */ url) => list(extension.extension).find((/** @type {any} */ e) => e.url === url);
    const code = String(of('lang')?.valueCode ?? '').toLowerCase();
    const content = of('content')?.valueString ?? of('content')?.valueMarkdown;
    if (typeof content === 'string' && (code === lang || code.startsWith(`${lang}-`))) return content;
  }
  return null;
}

/** What a document calls a concept: its text, else a display, else the code with its system. @param {any} concept */
export function originalOf(concept) {
  if (typeof concept?.text === 'string' && concept.text.trim()) return concept.text.trim();
  const codings = list(concept?.coding);
  const display = codings.find((coding) => typeof coding.display === 'string' && coding.display.trim())?.display;
  if (display) return display.trim();
  const coded = codings.find((coding) => coding.code);
  return coded ? `${coded.code} (${SYSTEMS[coded.system] ?? coded.system ?? '?'})` : '';
}

/** True if nobody wrote a concept in words. @param {any} concept */
export function isBareCode(concept) {
  return !concept?.text && !list(concept?.coding).some((coding) => coding.display);
}

/** @param {any} concept CodeableConcept @param {Reader} reader @returns {Term | null} null if there is nothing */
export function term(concept, { lang, t, has, called }) {
  const original = originalOf(concept);
  if (!original) return null;
  const given = designation(concept._text, lang) ?? list(concept.coding).map((c) => designation(c._display, lang)).find(Boolean);
  const packed = given ? undefined : list(concept.coding).map(called).find(Boolean);
  if (packed) return { text: packed, original: same(packed, original) ? '' : original, translated: true };
  if (given) return { text: given, original: given === original ? '' : original, translated: true };
  for (const coding of list(concept.coding)) {
    const key = keyOf(coding);
    if (key && has(key)) return { text: t(key), original: same(t(key), original) ? '' : original, translated: true };
  }
  return { text: original, original: '', translated: false };
}

/** @param {string} a @param {string} b */
const same = (a, b) => a.toLocaleLowerCase() === b.toLocaleLowerCase();

/** A bare code of FHIR's own. @param {unknown} code @param {Reader} reader @returns {string} */
export function word(code, { t, has }) {
  const key = WORDS[String(code)];
  return key && has(key) ? t(key) : String(code ?? '');
}

/** A date as precise as it was written, its month in letters. @param {unknown} value @param {string} lang @param {boolean} [time] with hours */
export function day(value, lang, time = false) {
  const match = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d:\d\d))?/.exec(String(value ?? ''));
  if (!match) return '';
  const [, year, month, date, clock] = match;
  if (!month) return year;
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(date ?? 1)));
  if (lang === 'en') lang = 'en-IE'; // day before month, as everywhere in the Union
  /** @type {Intl.DateTimeFormatOptions} */
  const shape = { year: 'numeric', month: 'short', timeZone: 'UTC', ...(date ? { day: 'numeric' } : {}) };
  const text = Number.isNaN(at.getTime()) ? match[0] : new Intl.DateTimeFormat(lang, shape).format(at);
  return time && clock ? `${text}, ${clock}` : text;
}

/** @param {any} period @param {string} lang */
export function span(period, lang) {
  const [start, end] = [day(period?.start, lang), day(period?.end, lang)];
  if (start && end) return start === end ? start : `${start} – ${end}`;
  return start ? `${start} –` : end ? `– ${end}` : '';
}

/** Whatever FHIR calls a time: dateTime, Period, Age, Range, string. @param {any} holder @param {string} stem @param {Reader} reader */
export function when(holder, stem, { lang }) {
  const of = (/** @type {string} */ kind) => holder[stem + kind];
  return (
    day(of('DateTime') ?? of('Date') ?? of('Instant'), lang) ||
    span(of('Period'), lang) ||
    amount(of('Age')) ||
    range(of('Range')) ||
    String(of('String') ?? '')
  );
}

/** @param {any} quantity */
export function amount(quantity) {
  if (quantity?.value === undefined) return '';
  return `${quantity.comparator ?? ''}${quantity.value} ${quantity.unit ?? quantity.code ?? ''}`.trim();
}

/** @param {any} value Range */
export function range(value) {
  const [low, high] = [amount(value?.low), amount(value?.high)];
  return low && high ? `${low} – ${high}` : low ? `≥ ${low}` : high ? `≤ ${high}` : '';
}

/** @param {any} value Ratio */
function ratio(value) {
  return value ? `${amount(value.numerator)} / ${amount(value.denominator)}` : '';
}

/** Any `value[x]`. @param {any} holder @param {Reader} reader */
export function value(holder, reader) {
  const name = Object.keys(holder).find((key) => /^value[A-Z]/.test(key));
  const it = name ? holder[name] : undefined;
  switch (name) {
    case undefined:
      return '';
    case 'valueQuantity':
      return amount(it);
    case 'valueCodeableConcept':
      return withOriginal(term(it, reader));
    case 'valueRange':
      return range(it);
    case 'valueRatio':
      return ratio(it);
    case 'valuePeriod':
      return span(it, reader.lang);
    case 'valueDateTime':
      return day(it, reader.lang, true);
    case 'valueBoolean':
      return reader.t(it ? 'yes' : 'no');
    case 'valueSampledData':
      return String(it?.data ?? '');
    default:
      return String(typeof it === 'object' ? '' : it);
  }
}

/** @param {Term | null} term */
export function withOriginal(term) {
  return !term ? '' : term.original ? `${term.text} (${term.original})` : term.text;
}

/** One dosage: its own text first, then what is coded of it. @param {any} dosage @param {Reader} reader @returns {string[]} */
export function dose(dosage, reader) {
  const { t } = reader;
  const said = [dosage.text, dosage.patientInstruction].filter((each) => typeof each === 'string' && each.trim());
  const coded = [];
  for (const rate of list(dosage.doseAndRate)) {
    coded.push(amount(rate.doseQuantity) || range(rate.doseRange), amount(rate.rateQuantity) || ratio(rate.rateRatio) || range(rate.rateRange));
  }
  coded.push(...timing(dosage.timing, reader));
  if (dosage.asNeededBoolean === true) coded.push(t('f_as_needed'));
  if (dosage.asNeededCodeableConcept) coded.push(`${t('f_as_needed')}: ${withOriginal(term(dosage.asNeededCodeableConcept, reader))}`);
  coded.push(withOriginal(term(dosage.route, reader)), withOriginal(term(dosage.site, reader)));
  if (dosage.maxDosePerPeriod) coded.push(`≤ ${ratio(dosage.maxDosePerPeriod)}`);
  const extra = list(dosage.additionalInstruction).map((each) => withOriginal(term(each, reader)));
  const line = [...new Set([...coded, ...extra])].filter(Boolean).join(', ');
  return [...said, ...(line ? [line] : [])];
}

/** @param {any} timing @param {Reader} reader @returns {string[]} */
function timing(timing, reader) {
  const { t, lang } = reader;
  const repeat = timing?.repeat;
  if (!repeat) return timing?.code ? [withOriginal(term(timing.code, reader))] : [];
  // Two moments of a day are twice a day, whatever the frequency, which is 1 by default, says.
  const moments = list(repeat.when).length > 1 && repeat.period === 1 && repeat.periodUnit === 'd';
  const out = moments ? [] : often(repeat, t);
  for (const moment of list(repeat.when)) out.push(...(WHEN[moment]?.map((key) => t(key)) ?? [moment]));
  out.push(...list(repeat.timeOfDay).map((clock) => String(clock).slice(0, 5)), ...list(repeat.dayOfWeek).map((each) => weekday(each, lang)));
  if (repeat.boundsPeriod) out.push(span(repeat.boundsPeriod, lang));
  if (repeat.boundsDuration) out.push(amount(repeat.boundsDuration));
  if (repeat.count) out.push(`× ${repeat.count}`);
  return out;
}

/** @param {any} repeat @param {Reader['t']} t @returns {string[]} */
function often({ frequency = 1, frequencyMax, period, periodMax, periodUnit }, t) {
  if (period === undefined) return [];
  const times = frequencyMax ? `${frequency}–${frequencyMax}` : frequency;
  if (period === 1 && !periodMax && periodUnit === 'd') return [times === 1 ? t('f_daily') : t('f_times_daily', { n: times })];
  const names = /** @type {Record<string, string>} */ ({ h: 'u_hours', d: 'u_days', wk: 'u_weeks', mo: 'u_months' });
  const unit = names[periodUnit] ? t(names[periodUnit]) : periodUnit ?? '';
  return [`${times} × / ${periodMax ? `${period}–${periodMax}` : period} ${unit}`];
}

/** @param {string} code mon to sun @param {string} lang */
function weekday(code, lang) {
  const at = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].indexOf(code);
  return at < 0 ? code : new Intl.DateTimeFormat(lang, { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2024, 0, 1 + at)));
}
