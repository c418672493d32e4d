// @ts-check
/**
 * From one record to what a clinician reads of it: its name, marks (severe, stopped, disputed), lines in order of weight, who
 * says so. What this page does not know of a record is said, not dropped. Not here: which section it stands in, elements on
 * screen. Source: IPS 2.0 must-support elements; openapi/protocol/summary.md, "Who says so", "Disputed".
 */
import { INACTIVE, absence } from './codes.js';
import { list, membersOf } from './bundle.js';
import { amount, day, dose, isBareCode, range, span, term, value, when, withOriginal, word } from './terms.js';

/** @typedef {import('./terms.js').Reader & {resolve: import('./bundle.js').Summary['resolve'], now: number}} Look */
/**
 * @typedef {object} Fact
 * @property {import('./terms.js').Term} name
 * @property {string | null} nothing none_known, not_known, none_of_a_kind: then it is no thing and is not counted
 * @property {boolean} coded its name came from a code or text that a translation could have
 * @property {boolean} inactive
 * @property {number} weight severe 2, moderate 1
 * @property {{key: string, about?: Record<string, string>, strong?: boolean}[]} marks
 * @property {string[]} main shown beside the name: dose, reaction, value
 * @property {[string, string][]} lines key of the label, text
 * @property {string[]} said who says so, in sentences
 * @property {boolean} stale nobody has said so for a year
 * @property {Fact[]} members
 */

const CARNET = 'https://carnet.example/fhir/StructureDefinition/';
const YEAR_MS = 365 * 86_400_000;
const CRITICAL = new Set(['AllergyIntolerance', 'Condition', 'MedicationStatement', 'MedicationRequest']);

/** @param {any} record @param {Look} look @returns {Fact} */
export function factOf(record, look, within = false) {
  const { t, resolve, lang } = look;
  const { concept, name: given } = nameOf(record, look);
  const name = given ?? { text: `${t('not_shown')} (${record.resourceType})`, original: '', translated: true };
  const nothing = absence(concept);
  const status = statusOf(record);
  const weight = Math.max(weigh(record.criticality), ...list(record.reaction).map((each) => weigh(each.severity)), weigh(record.severity?.coding?.[0]?.code));
  const marks = marksOf(record, status, look);
  const { said, stale } = whoSays(record, look);
  const lines = linesOf(record, look).filter(([, text]) => text && text.toLowerCase() !== name.text.toLowerCase());
  if (concept && isBareCode(concept)) lines.push(['l_code', t('only_code')]);
  const members = within ? [] : membersOf(record, resolve).map((each) => factOf(each, look, true));
  // A panel says once when and by whom; its members say only what differs.
  const common = members.length > 1 ? members[0].said.filter((text) => members.every((member) => member.said.includes(text))) : [];
  said.push(...common.filter((text) => !said.includes(text)));
  for (const member of members) {
    member.lines = member.lines.filter(([key, text]) => !lines.some((line) => line[0] === key && line[1] === text && key === 'l_time'));
    member.said = member.said.filter((text) => !said.includes(text));
  }
  if (nothing === 'not_known' || nothing === 'none_known') lines.push(['l_document', name.text]);
  const generated = /^Disputed: version \d+ of \d+\. No version of it is settled\.$/; // said by the mark, in the reader's language
  for (const note of list(record.note)) {
    if (marks.some((mark) => mark.key === 'disputed_of') && !note.authorString && generated.test(String(note.text))) continue;
    lines.push(['l_note', [note.text, note.authorString ?? note.authorReference?.display, day(note.time, lang)].filter(Boolean).join(' – ')]);
  }
  const inactive = status !== null && INACTIVE.has(status) && !isOngoing(record, status);
  return { name, nothing, coded: Boolean(given), inactive, weight, marks, main: mainOf(record, look).filter(Boolean), lines, said, stale, members };
}

/** `completed` ends a medicine; a completed vaccination, procedure or report is how they are meant to be. @param {any} record @param {string} status */
function isOngoing(record, status) {
  return status === 'completed' && !record.resourceType.startsWith('Medication');
}

/** @param {unknown} code */
function weigh(code) {
  if (['high', 'severe', '24484000', 'LA6750-9'].includes(String(code))) return 2;
  return ['moderate', '6736007', 'LA6751-7', 'unable-to-assess'].includes(String(code)) ? 1 : 0;
}

/** @param {any} record @returns {string | null} the code that says most */
function statusOf(record) {
  const verification = record.verificationStatus?.coding?.[0]?.code;
  if (verification === 'refuted' || verification === 'entered-in-error') return verification;
  return record.clinicalStatus?.coding?.[0]?.code ?? record.status ?? null;
}

/** @param {any} record @param {Look} look @returns {{concept: any, name: import('./terms.js').Term | null}} */
function nameOf(record, look) {
  const plain = (/** @type {unknown} */ text) => (typeof text === 'string' && text.trim() ? { text: text.trim(), original: '', translated: false } : null);
  const reference = record.medicationReference ?? record.device ?? null;
  const target = reference && resolved(reference, record, look);
  const concept =
    record.code ?? record.vaccineCode ?? record.medicationCodeableConcept ?? target?.code ?? record.type ?? target?.type ??
    list(record.provision?.code)[0] ?? list(record.category)[0] ?? null;
  const called = list(target?.deviceName ?? record.deviceName)[0]?.name;
  const titled = plain(record.title) ?? plain(record.description) ?? plain(called);
  const own = concept && (record.code || record.vaccineCode || record.medicationCodeableConcept || target) ? term(concept, look) : null;
  const made = own ?? titled ?? (concept && typeof concept === 'object' ? term(concept, look) : null) ?? plain(reference?.display) ?? ingredientsOf(target, look);
  return { concept, name: made };
}

/** @param {any} medication @param {Look} look */
function ingredientsOf(medication, look) {
  const parts = list(medication?.ingredient).map((each) => withOriginal(term(each.itemCodeableConcept, look)) || each.itemReference?.display).filter(Boolean);
  return parts.length ? { text: parts.join(' + '), original: '', translated: false } : null;
}

/** @param {any} reference @param {any} holder @param {Look} look */
function resolved(reference, holder, look) {
  return look.resolve(reference, holder);
}

/** @param {any} record @param {string | null} status @param {Look} look @returns {Fact['marks']} */
function marksOf(record, status, look) {
  /** @type {Fact['marks']} */
  const marks = [];
  const disputes = list(record.extension).filter((each) => each.url === `${CARNET}disputed`);
  const partOf = (/** @type {any} */ dispute, /** @type {string} */ url) => list(dispute.extension).find((each) => each.url === url);
  for (const dispute of disputes) {
    const [number, of] = ['number', 'of'].map((url) => partOf(dispute, url)?.valueInteger ?? partOf(dispute, url)?.valuePositiveInt);
    const deleters = list(dispute.extension).filter((each) => each.url === 'deletedBy').map((each) => each.valueString);
    if (partOf(dispute, 'kind')?.valueCode === 'duplicate') marks.push({ key: 'maybe_same', strong: true });
    else if (of > 1) marks.push({ key: 'disputed_of', about: { n: String(number), of: String(of) }, strong: true });
    else if (!deleters.length) marks.push({ key: 'disputed', strong: true });
    if (deleters.length) marks.push({ key: 'disputed_deleted', about: { name: deleters.join(', ') }, strong: true });
  }
  if (!disputes.length && list(record.meta?.tag).some((tag) => tag.code === 'disputed')) marks.push({ key: 'disputed', strong: true });
  if (record.doNotPerform === true) marks.push({ key: 'do_not_give', strong: true });
  if (list(record.modifierExtension).length) marks.push({ key: 'has_modifier', strong: true });
  if (record.criticality === 'high') marks.push({ key: 'crit_high', strong: true });
  if (record.criticality === 'low') marks.push({ key: 'crit_low' });
  if (record.criticality === 'unable-to-assess') marks.push({ key: 'crit_unknown' });
  const usual = ['active', 'confirmed', 'final', 'current', 'completed'];
  for (const code of [status, record.verificationStatus?.coding?.[0]?.code]) {
    if (!code || usual.includes(code) && !(code === 'completed' && record.resourceType.startsWith('Medication'))) continue;
    const text = code === 'unknown' ? `${look.t('l_status')}: ${word(code, look)}` : word(code, look);
    if (!marks.some((mark) => mark.about?.text === text)) marks.push({ key: 'as_said', about: { text } });
  }
  return marks;
}

/** What stands beside the name. @param {any} record @param {Look} look @returns {string[]} */
function mainOf(record, look) {
  const { t, lang } = look;
  if (record.resourceType === 'AllergyIntolerance') {
    return list(record.reaction).map((each) => {
      const what = list(each.manifestation).map((one) => withOriginal(term(one, look))).filter(Boolean).join(', ');
      return [what || each.description, each.severity && word(each.severity, look)].filter(Boolean).join(' – ');
    });
  }
  if (record.dosage || record.dosageInstruction) {
    const doses = [record.dosage, record.dosageInstruction].flatMap((each) => (Array.isArray(each) ? each : each ? [each] : []));
    return doses.flatMap((each) => dose(each.dose ? { ...each, doseAndRate: [{ doseQuantity: each.dose }] } : each, look));
  }
  if (record.resourceType === 'Immunization') return [day(record.occurrenceDateTime, lang) || String(record.occurrenceString ?? '')];
  if (record.resourceType === 'Observation') {
    const components = list(record.component).map((each) => `${withOriginal(term(each.code, look))}: ${value(each, look) || t('not_known')}`);
    const flag = list(record.interpretation).map((each) => withOriginal(term(each, look))).filter(Boolean).join(', ');
    const own = value(record, look) || (record.dataAbsentReason ? t('not_known') : '');
    return [[own, flag && `[${flag}]`].filter(Boolean).join(' '), ...components];
  }
  if (record.resourceType === 'Condition') return [withOriginal(term(record.severity, look)), list(record.bodySite).map((each) => withOriginal(term(each, look))).join(', ')];
  if (record.resourceType === 'Procedure') return [when(record, 'performed', look)];
  return [record.conclusion, record.summary].filter((each) => typeof each === 'string');
}

/** @param {any} record @param {Look} look @returns {[string, string][]} */
function linesOf(record, look) {
  const { lang } = look;
  const concepts = (/** @type {any} */ value) => (Array.isArray(value) ? value : value ? [value] : []).map((each) => withOriginal(term(each, look))).filter(Boolean).join(', ');
  const kinds = list(record.category).map((each) => (typeof each === 'string' ? word(each, look) : '')).filter(Boolean);
  const type = typeof record.type === 'string' ? word(record.type, look) : '';
  const medication = record.medicationReference && look.resolve(record.medicationReference, record);
  const strengths = list(medication?.ingredient).map((each) => `${withOriginal(term(each.itemCodeableConcept, look)) || each.itemReference?.display || ''} ${each.strength ? `${amount(each.strength.numerator)} / ${amount(each.strength.denominator)}` : ''}`.trim());
  const activities = list(record.activity).map((each) => [concepts(each.detail?.code), each.detail?.description, each.reference?.display].filter(Boolean).join(' – '));
  const contents = list(record.content).map((each) => [each.attachment?.title, each.attachment?.contentType, day(each.attachment?.creation, lang)].filter(Boolean).join(', '));
  return [
    ['l_kind', [type, ...kinds].filter(Boolean).join(', ')],
    ['l_since', when(record, 'onset', look)],
    ['l_until', when(record, 'abatement', look)],
    ['l_time', when(record, 'effective', look) || span(record.period, lang) || when(record, 'timing', look) || day(record.dateTime ?? record.date, lang)],
    ['l_reason', [concepts(record.reasonCode), ...list(record.reasonReference).map((each) => each.display)].filter(Boolean).join(', ')],
    ['l_contents', strengths.join('; ')],
    ['l_form', concepts(medication?.form)],
    ['l_dose_number', list(record.protocolApplied).map((each) => [each.doseNumberPositiveInt ?? each.doseNumberString, concepts(each.targetDisease)].filter(Boolean).join(' – ')).join('; ')],
    ['l_lot', String(record.lotNumber ?? '')],
    ['l_place', record.resourceType === 'Condition' ? '' : [concepts(record.bodySite), concepts(record.site), record.resourceType === 'Immunization' ? concepts(record.route) : ''].filter(Boolean).join(', ')],
    ['l_range', list(record.referenceRange).map((each) => each.text ?? range(each)).join('; ')],
    ['l_last', day(record.lastOccurrence, lang)],
    ['l_outcome', concepts(record.outcome)],
    ['l_activity', [...activities, ...contents].filter(Boolean).join('; ')],
  ];
}

/** @param {any} record @param {Look} look @returns {{said: string[], stale: boolean}} */
function whoSays(record, look) {
  const { t, lang, now } = look;
  const said = [], dates = [];
  const parts = (/** @type {any} */ extension) => Object.fromEntries(list(extension.extension).map((each) => [each.url, Object.entries(each).find(([key]) => key.startsWith('value'))?.[1]]));
  for (const extension of list(record.extension)) {
    const { who, name, date, answer } = extension.url?.startsWith(CARNET) ? /** @type {Record<string, any>} */ (parts(extension)) : {};
    if (extension.url === `${CARNET}said-by`) {
      const whom = { patient: t('s_patient'), carer: t('s_carer') }[String(who)];
      said.push(`${t('said_by')}: ${[whom, name, day(date, lang)].filter(Boolean).join(', ')}`);
      dates.push(date);
    } else if (extension.url === `${CARNET}recorded`) said.push(`${t('recorded')}: ${day(extension.valueDateTime ?? extension.valueDate ?? date, lang)}`);
    else if (extension.url === `${CARNET}confirmed`) {
      const words = { 'still-true': t('still_true'), stopped: t('stopped'), unsure: t('unsure') }[String(answer)] ?? String(answer);
      said.push(`${t('confirmed_by')}: ${[words, name, day(date, lang)].filter(Boolean).join(', ')}`);
      dates.push(date);
    }
  }
  if (!said.length) {
    const source = [record.asserter, record.recorder, record.informationSource, record.requester, list(record.performer)[0]?.actor ?? list(record.performer)[0]].find(Boolean);
    const who = source?.display || nameOfSource(source && look.resolve(source, record));
    const date = record.recordedDate ?? record.dateAsserted ?? record.authoredOn ?? record.recorded ?? record.issued;
    if (who) said.push(`${t('said_by')}: ${who}`);
    if (date) said.push(`${t('recorded')}: ${day(date, lang)}`);
    dates.push(date);
  }
  const newest = Math.max(...dates.map((date) => Date.parse(String(date ?? ''))).filter(Number.isFinite));
  return { said, stale: CRITICAL.has(record.resourceType) && Number.isFinite(newest) && now - newest > YEAR_MS };
}

/** @param {any} source */
export function nameOfSource(source) {
  if (!source) return '';
  if (typeof source.name === 'string') return source.name;
  return humanName(list(source.name)[0]) || list(source.deviceName)[0]?.name || source.practitioner?.display || source.organization?.display || '';
}

/** @param {any} name HumanName */
export function humanName(name) {
  if (!name) return '';
  return (name.text || [...list(name.prefix), ...list(name.given), name.family, ...list(name.suffix)].filter(Boolean).join(' ')).trim();
}
