// @ts-check
/**
 * From a bundle to what can be shown: sections in order of reading, each with its records or one exact way of saying nothing, and
 * warnings. Tolerant: documents of any IPS version, bundles without Composition, references by fullUrl, URN or relative.
 * Nothing is dropped: a clinical record that no section names stands in `other`. Not here: words, elements on screen.
 * Source: FHIR R4 "Resolving references in bundles"; IPS 2.0.
 */
import { Trouble } from './link.js';
import { BY_TYPE, ORDER, REQUIRED, SECTIONS, absence, emptiness } from './codes.js';

/** @typedef {any} Resource */
/**
 * @typedef {object} Section
 * @property {string} name of codes.js, or `other`
 * @property {string} title as the document has it
 * @property {Resource[]} records
 * @property {string[]} unresolved words for records that are named but not there
 * @property {string | null} nothing none_known, not_known, not_asked; null if there are records
 * @property {string | null} narrative XHTML, untrusted, only where structure is missing
 */
/**
 * @typedef {object} Summary
 * @property {Resource} patient
 * @property {Resource} composition or an empty object
 * @property {Section[]} sections
 * @property {{code: string, about: Record<string, string>}[]} warnings
 * @property {(reference: any, holder?: Resource) => Resource | null} resolve
 * @property {Resource} bundle
 */

const SUPPORT = new Set([
  'Composition', 'Patient', 'Practitioner', 'PractitionerRole', 'Organization', 'Medication', 'Device', 'Location', 'Specimen',
  'Substance', 'Provenance', 'RelatedPerson', 'Encounter', 'Binary', 'Media', 'OperationOutcome', 'List', 'CareTeam',
]);

/** @param {Resource} bundle @returns {Summary} */
export function readBundle(bundle) {
  if (bundle?.resourceType !== 'Bundle') {
    if (typeof bundle?.resourceType !== 'string') throw new Trouble('t_not_understood');
    bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: bundle }] };
  }
  const entries = list(bundle.entry).filter((/** @type {any} */ entry) => typeof entry?.resource?.resourceType === 'string');
  if (!entries.length) throw new Trouble('t_not_understood');
  const resolve = resolver(entries);
  const all = entries.map((/** @type {any} */ entry) => entry.resource);
  const composition = all.find((/** @type {Resource} */ r) => r.resourceType === 'Composition') ?? {};
  const patients = all.filter((/** @type {Resource} */ r) => r.resourceType === 'Patient');
  const patient = resolve(composition.subject, composition) ?? patients[0] ?? {};
  /** @type {Summary['warnings']} */
  const warnings = [];
  if (!composition.resourceType) warnings.push({ code: 'w_no_composition', about: {} });
  const sections = composition.resourceType ? ofComposition(composition, resolve) : ofTypes(all);
  const shown = new Set(sections.flatMap((section) => section.records).flatMap((record) => [record, ...membersOf(record, resolve)]));
  const loose = all.filter((/** @type {Resource} */ r) => !SUPPORT.has(r.resourceType) && !shown.has(r));
  if (loose.length) sections.push(section('other', '', withoutMembers(loose, resolve)));
  for (const name of REQUIRED) {
    if (sections.some((section) => section.name === name)) continue;
    sections.push({ ...section(name, '', []), nothing: 'not_known' });
    warnings.push({ code: 'w_missing', about: { section: name } });
  }
  for (const each of sections) {
    if (each.unresolved.length) warnings.push({ code: 'w_broken', about: { section: each.name, n: String(each.unresolved.length) } });
    if (each.records.some((r) => absence(codeOf(r)) === 'none_known') && each.records.some((r) => !absence(codeOf(r)))) {
      warnings.push({ code: 'w_contradiction', about: { section: each.name } });
    }
  }
  if ([...shown].some((record) => ofSomeoneElse(record, patient, patients, resolve))) warnings.push({ code: 'w_other_patient', about: {} });
  sections.sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
  return { patient, composition, sections, warnings, resolve, bundle };
}

/** The coded thing that a record is about, without following references. @param {Resource} record */
export function codeOf(record) {
  return record.code ?? record.vaccineCode ?? record.medicationCodeableConcept ?? null;
}

/** Records that stand within another one: members of a panel, results of a report. @param {Resource} record @param {Summary['resolve']} resolve @returns {Resource[]} */
export function membersOf(record, resolve) {
  const found = new Set([record]);
  for (const each of found) {
    const named = [...list(each.hasMember), ...(each.resourceType === 'DiagnosticReport' ? list(each.result) : [])];
    for (const reference of named) {
      const member = resolve(reference, each);
      if (member) found.add(member);
    }
  }
  found.delete(record);
  return [...found];
}

/** @param {unknown} value @returns {any[]} */
export function list(value) {
  return Array.isArray(value) ? value.filter((each) => each !== null) : [];
}

/** @param {string} name @param {string} title @param {Resource[]} records @returns {Section} */
function section(name, title, records) {
  return { name, title, records, unresolved: [], nothing: null, narrative: null };
}

/** @param {any[]} entries @returns {Summary['resolve']} */
function resolver(entries) {
  const byUrl = new Map(), byId = new Map();
  for (const { fullUrl, resource } of entries) {
    if (fullUrl) byUrl.set(fullUrl, byUrl.get(fullUrl) ?? resource);
    if (resource.id) byId.set(`${resource.resourceType}/${resource.id}`, resource);
  }
  return (reference, holder) => {
    const text = typeof reference?.reference === 'string' ? reference.reference : '';
    if (text.startsWith('#')) return list(holder?.contained).find((each) => `#${each.id}` === text) ?? null;
    if (!text) return null;
    const relative = text.replace(/\/_history\/[^/]+$/, '');
    const tail = /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]+)$/.exec(relative)?.[1];
    const urn = /^urn:(?:uuid|oid):(.+)$/.exec(relative)?.[1];
    return byUrl.get(text) ?? byUrl.get(relative) ?? (tail ? byId.get(tail) : null) ?? (urn ? entries.find((e) => e.resource.id === urn)?.resource : null) ?? null;
  };
}

/** @param {Resource} composition @param {Summary['resolve']} resolve @returns {Section[]} */
function ofComposition(composition, resolve) {
  /** @type {Section[]} */
  const made = [];
  const walk = (/** @type {any} */ part) => {
    const code = list(part.code?.coding).map((coding) => SECTIONS[coding.code]).find(Boolean);
    const one = section(code ?? 'other', String(part.title ?? part.code?.text ?? ''), []);
    for (const reference of list(part.entry)) {
      const found = resolve(reference, composition);
      if (found && !one.records.includes(found)) one.records.push(found);
      else if (!found) one.unresolved.push(String(reference.display ?? reference.reference ?? ''));
    }
    one.records = withoutMembers(one.records, resolve);
    const told = typeof part.text?.div === 'string' && /[^\s<>]/.test(part.text.div.replace(/<[^>]*>/g, ''));
    if (!one.records.length && !one.unresolved.length) {
      if (part.emptyReason) one.nothing = emptiness(part.emptyReason);
      else if (told) one.narrative = part.text.div;
      else if (!list(part.section).length) one.nothing = 'not_known';
    } else if (one.unresolved.length && told) one.narrative = part.text.div;
    if (one.records.length || one.unresolved.length || one.nothing || one.narrative) {
      // Two sections of one kind are one on screen: their titles may repeat, their records may not be lost.
      const same = made.find((each) => each.name === one.name && one.name !== 'other' && !each.narrative && !one.narrative);
      if (same) join(same, one);
      else made.push(one);
    }
    list(part.section).forEach(walk);
  };
  list(composition.section).forEach(walk);
  return made;
}

/** @param {Section} into @param {Section} other */
function join(into, other) {
  into.records.push(...other.records.filter((record) => !into.records.includes(record)));
  into.unresolved.push(...other.unresolved);
  into.nothing = into.records.length ? null : (into.nothing ?? other.nothing);
}

/** @param {Resource[]} all @returns {Section[]} */
function ofTypes(all) {
  const made = new Map();
  for (const record of all) {
    if (SUPPORT.has(record.resourceType)) continue;
    const name = BY_TYPE[record.resourceType] ?? 'other';
    if (!made.has(name)) made.set(name, section(name, '', []));
    made.get(name).records.push(record);
  }
  return [...made.values()];
}

/** A member is shown within its panel, not beside it. @param {Resource[]} records @param {Summary['resolve']} resolve */
function withoutMembers(records, resolve) {
  const within = new Set();
  for (const record of records) if (!within.has(record)) membersOf(record, resolve).forEach((each) => within.add(each));
  return records.filter((record) => !within.has(record));
}

/** @param {Resource} record @param {Resource} patient @param {Resource[]} patients @param {Summary['resolve']} resolve */
function ofSomeoneElse(record, patient, patients, resolve) {
  const reference = record.patient ?? record.subject;
  if (typeof reference?.reference !== 'string' || reference.reference.startsWith('#')) return false;
  const whose = resolve(reference, record);
  const same = (/** @type {Resource} */ other) => JSON.stringify([other.name, other.birthDate]) === JSON.stringify([patient.name, patient.birthDate]);
  if (whose) return whose.resourceType === 'Patient' && whose !== patient && !same(whose);
  return patients.length > 0 && !reference.reference.endsWith(`/${patient.id}`);
}
