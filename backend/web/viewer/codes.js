// @ts-check
/**
 * Codes that this page has words for: (code → key of the words). Systems are compared where a bare code would be ambiguous.
 * Source: HL7 FHIR R4 and IPS 2.0 value sets; IPS 1.1 absent-unknown-uv-ips; SNOMED CT concept ids as IPS names them.
 */

const SNOMED = 'http://snomed.info/sct';
const ABSENT = 'http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips';

/** LOINC → name of a section, in the order of thirty seconds' reading. @type {Record<string, string>} */
export const SECTIONS = {
  '48765-2': 'allergies',
  '11450-4': 'problems',
  '10160-0': 'medications',
  '11369-6': 'immunizations',
  '104605-1': 'alerts',
  '42348-3': 'directives',
  '10162-6': 'pregnancy',
  '11362-0': 'pregnancy',
  '46264-8': 'devices',
  '47519-4': 'procedures',
  '30954-2': 'results',
  '8716-3': 'vitals',
  '47420-5': 'functional',
  '11348-0': 'past',
  '29762-2': 'social',
  '18776-5': 'plan',
  '81338-6': 'story',
  '10182-4': 'travel',
};
export const REQUIRED = ['allergies', 'problems', 'medications'];
export const ORDER = [...new Set(Object.values(SECTIONS)), 'other'];

/** Type of resource → section, where a document does not say. @type {Record<string, string>} */
export const BY_TYPE = {
  AllergyIntolerance: 'allergies',
  Condition: 'problems',
  MedicationStatement: 'medications',
  MedicationRequest: 'medications',
  MedicationDispense: 'medications',
  MedicationAdministration: 'medications',
  Immunization: 'immunizations',
  Flag: 'alerts',
  Consent: 'directives',
  DeviceUseStatement: 'devices',
  Procedure: 'procedures',
  Observation: 'results',
  DiagnosticReport: 'results',
  CarePlan: 'plan',
};

/** "No known …" that answer for a whole section → section. @type {Record<string, string>} */
const NONE = {
  [`${SNOMED}|716186003`]: 'allergies',
  [`${SNOMED}|787481004`]: 'medications',
  [`${SNOMED}|160245001`]: 'problems',
  [`${ABSENT}|no-known-allergies`]: 'allergies',
  [`${ABSENT}|no-known-medications`]: 'medications',
  [`${ABSENT}|no-known-problems`]: 'problems',
  [`${ABSENT}|no-known-procedures`]: 'procedures',
  [`${ABSENT}|no-known-immunizations`]: 'immunizations',
  [`${ABSENT}|no-known-devices`]: 'devices',
};
/** "No known …" of one kind only: said in the document's own words, and never counted. */
const NONE_OF_A_KIND = new Set([
  ...['409137002', '428607008', '429625007'].map((code) => `${SNOMED}|${code}`),
  ...['medication', 'environmental', 'food'].map((kind) => `${ABSENT}|no-known-${kind}-allergies`),
]);

/**
 * What a concept says about absence: `none_known`, `not_known`, `none_of_a_kind`, or null for a thing.
 * @param {any} concept CodeableConcept
 */
export function absence(concept) {
  for (const { system, code } of concept?.coding ?? []) {
    const name = `${system}|${code}`;
    if (name in NONE) return 'none_known';
    if (NONE_OF_A_KIND.has(name)) return 'none_of_a_kind';
    if (system === ABSENT && /^no-.*-info$/.test(code)) return 'not_known';
  }
  return null;
}

/** list-empty-reason → one of the ways to say nothing. @param {any} reason CodeableConcept */
export function emptiness(reason) {
  const code = (reason?.coding ?? []).map((/** @type {any} */ c) => c.code).find(Boolean);
  return { nilknown: 'none_known', notasked: 'not_asked' }[String(code)] ?? 'not_known';
}

/** FHIR's own codes of statuses, severities and kinds → key of the words. @type {Record<string, string>} */
export const WORDS = {
  active: 'active', inactive: 'inactive', resolved: 'resolved', remission: 'remission', recurrence: 'recurrence',
  relapse: 'relapse', stopped: 'stopped', completed: 'completed', 'on-hold': 'on_hold', intended: 'planned',
  planned: 'planned', preparation: 'planned', 'not-taken': 'not_taken', 'not-done': 'not_done', cancelled: 'cancelled',
  refuted: 'refuted', 'entered-in-error': 'entered_in_error', confirmed: 'confirmed', unconfirmed: 'unconfirmed',
  provisional: 'provisional', differential: 'provisional', preliminary: 'preliminary', unknown: 'sex_unknown',
  severe: 'severe', moderate: 'moderate', mild: 'mild', allergy: 'allergy', intolerance: 'intolerance', food: 'food',
  medication: 'medicine', environment: 'environment', biologic: 'biologic',
};
/** System → code → key of the words: where the code alone would mean something else elsewhere. @type {Record<string, Record<string, string>>} */
const CODED = {
  [SNOMED]: {
    24484000: 'severe', 6736007: 'moderate', 255604002: 'mild', 26643006: 'r_oral', 47625008: 'r_iv', 78421000: 'r_im',
    34206005: 'r_sc', 6064005: 'r_skin', 448598008: 'r_skin', 37161004: 'r_rectal', 46713006: 'r_nasal', 54485002: 'r_eye',
    37839007: 'r_sublingual', 45890007: 'r_patch',
  },
  'http://loinc.org': { 'LA6750-9': 'severe', 'LA6751-7': 'moderate', 'LA6752-5': 'mild' },
  'http://standardterms.edqm.eu': {
    20053000: 'r_oral', 20045000: 'r_iv', 20035000: 'r_im', 20066000: 'r_sc', 20020000: 'r_inhaled', 20003000: 'r_skin',
    20061000: 'r_rectal', 20049000: 'r_nasal', 20051000: 'r_eye', 20067000: 'r_sublingual', 20070000: 'r_patch',
  },
  'http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration': {
    PO: 'r_oral', IVINJ: 'r_iv', IM: 'r_im', SQ: 'r_sc', IPINHL: 'r_inhaled', TOPICAL: 'r_skin', PR: 'r_rectal',
    NASINHLC: 'r_nasal', OPTHALTA: 'r_eye', SL: 'r_sublingual', TRNSDERM: 'r_patch',
  },
  'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation': {
    H: 'i_high', HH: 'i_high_critical', L: 'i_low', LL: 'i_low_critical', N: 'i_normal', A: 'i_abnormal', POS: 'i_positive', NEG: 'i_negative',
  },
};

/** The key of this page's word for a coding, if it has one. @param {any} coding @returns {string | undefined} */
export function keyOf({ system, code }) {
  const fhir = /^http:\/\/(terminology\.hl7\.org\/CodeSystem|hl7\.org\/fhir)\/(?!v3-)/.test(String(system));
  return CODED[system]?.[code] ?? (fhir ? WORDS[code] : undefined);
}

/** Moments of a dosage. @type {Record<string, string[]>} */
export const WHEN = {
  MORN: ['w_morning'], NOON: ['w_noon'], AFT: ['w_afternoon'], EVE: ['w_evening'], NIGHT: ['w_night'], HS: ['w_bedtime'],
  AC: ['w_before_meals'], PC: ['w_after_meals'], C: ['w_with_meals'],
  ACM: ['w_before_meals', 'w_morning'], ACD: ['w_before_meals', 'w_noon'], ACV: ['w_before_meals', 'w_evening'],
  PCM: ['w_after_meals', 'w_morning'], PCD: ['w_after_meals', 'w_noon'], PCV: ['w_after_meals', 'w_evening'],
  CM: ['w_with_meals', 'w_morning'], CD: ['w_with_meals', 'w_noon'], CV: ['w_with_meals', 'w_evening'],
};
/** What is no longer so, or never was: kept apart. */
export const INACTIVE = new Set([
  'inactive', 'resolved', 'remission', 'stopped', 'completed', 'cancelled', 'not-taken', 'refuted', 'entered-in-error',
]);
/** Systems by which people know a code. @type {Record<string, string>} */
export const SYSTEMS = {
  [SNOMED]: 'SNOMED CT', 'http://loinc.org': 'LOINC', 'http://hl7.org/fhir/sid/icd-10': 'ICD-10', 'http://hl7.org/fhir/sid/icd-10-cm': 'ICD-10-CM',
  'http://www.whocc.no/atc': 'ATC', 'http://hl7.org/fhir/sid/cvx': 'CVX', 'http://www.nlm.nih.gov/research/umls/rxnorm': 'RxNorm',
};
