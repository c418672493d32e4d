// @ts-check
/**
 * A summary on screen in the order of thirty seconds' reading: who and as of when, allergies, problems, medicines, vaccinations, the
 * rest folded, what is over apart. Only templates: nothing of a document is ever read as HTML but a sanitised narrative.
 */
import { html, nothing } from './vendor/lit-html.js';
import { factOf, humanName, nameOfSource } from './facts.js';
import { list } from './bundle.js';
import { day } from './terms.js';

/** @typedef {import('./bundle.js').Summary} Summary */
/** @typedef {import('./facts.js').Fact} Fact */
/** @typedef {import('./facts.js').Look} Look */
/** @typedef {{name: string, title: string, nothing: string | null, active: Fact[], over: Fact[], silent: Fact[], unresolved: string[], narrative: string | null}} Shown */

const OPEN = ['allergies', 'problems', 'medications', 'immunizations', 'alerts'];
const APART = ['allergies', 'problems', 'medications'];
const OLD_MS = 180 * 86_400_000;

/** @param {Summary} summary @param {Look} look @returns {Shown[]} */
export function shownOf(summary, look) {
  return summary.sections.map((section) => {
    const facts = section.records.map((record) => factOf(record, look));
    const real = facts.filter((fact) => !fact.nothing);
    const apart = APART.includes(section.name);
    const byWeight = (/** @type {Fact} */ a, /** @type {Fact} */ b) => b.weight - a.weight;
    return {
      ...section,
      title: look.has(`s_${section.name}`) && (section.name !== 'other' || !section.title) ? look.t(`s_${section.name}`) : section.title,
      active: real.filter((fact) => !(apart && fact.inactive)).sort(byWeight),
      over: real.filter((fact) => apart && fact.inactive).sort(byWeight),
      silent: facts.filter((fact) => fact.nothing),
    };
  });
}

/** Who, in words. @param {Summary} summary @param {Look} look */
export function whoOf(summary, look) {
  const { patient, composition, bundle } = summary, { t, lang } = look;
  const names = list(patient.name);
  const name = humanName(names.find((each) => each.use === 'official') ?? names[0]) || t('not_known');
  const born = typeof patient.birthDate === 'string' ? patient.birthDate : '';
  const authors = list(composition.author).map((each) => each.display || nameOfSource(look.resolve(each, composition))).filter(Boolean);
  const byPatient = list(composition.author).some((each) => look.resolve(each, composition) === patient && patient.resourceType);
  const asOf = composition.date ?? bundle.timestamp ?? '';
  return {
    name,
    born: born ? day(born, lang) : t('not_known'),
    age: ageOf(born, look.now),
    sex: patient.gender ? t(`sex_${patient.gender}`) : t('not_known'),
    died: patient.deceasedDateTime ? day(patient.deceasedDateTime, lang) : patient.deceasedBoolean ? t('yes') : '',
    asOf: day(asOf, lang, true) || t('not_known'),
    old: look.now - Date.parse(asOf) > OLD_MS,
    author: byPatient ? t('by_patient') : authors.join(', ') || t('not_known'),
  };
}

/** Whole years, or null. @param {string} born @param {number} now */
function ageOf(born, now) {
  if (!/^\d{4}-\d\d-\d\d/.test(born)) return null;
  const today = new Date(now).toISOString();
  return Number(today.slice(0, 4)) - Number(born.slice(0, 4)) - (today.slice(5, 10) < born.slice(5, 10) ? 1 : 0);
}

/** The warnings, in words, worst first. @param {Summary} summary @param {Look} look @param {import('./card.js').Judged | null} issuer of a card @returns {string[]} */
export function warningsOf(summary, look, issuer) {
  const { t } = look, who = whoOf(summary, look);
  const out = summary.warnings.map(({ code, about }) => t(code, { ...about, section: about.section ? t(`s_${about.section}`) : '' }));
  if (who.old) out.push(t('w_old', { date: who.asOf }));
  return [...out, issuer ? t(issuer.code, { host: issuer.host, date: day(issuer.since, look.lang) }) : t('w_unsigned')];
}

/** How many names of the critical sections are in the reader's language; null if the document is. @param {Summary} summary @param {Shown[]} shown @param {Look} look */
export function coverage(summary, shown, look) {
  const said = String(summary.composition.language ?? summary.bundle.language ?? '').slice(0, 2).toLowerCase();
  const facts = shown.filter((each) => OPEN.includes(each.name)).flatMap((each) => [...each.active, ...each.over]);
  if (said === look.lang || !facts.length) return null;
  return { n: facts.filter((fact) => fact.name.translated).length, of: facts.length };
}

/** @param {Summary} summary @param {Look} look @param {{issuer: import('./card.js').Judged | null, harmless: ((xhtml: string) => DocumentFragment) | null}} more */
export function summaryView(summary, look, { issuer, harmless }) {
  const { t } = look;
  const who = whoOf(summary, look), shown = shownOf(summary, look), covered = coverage(summary, shown, look);
  const warnings = warningsOf(summary, look, issuer);
  return html`<article class="summary">
    <header class="who">
      <h1 tabindex="-1" lang="">${who.name}</h1>
      <p class="facts"><span>${t('born')} ${who.born}${who.age === null ? nothing : html` (${t('age', { n: who.age })})`}</span>
        <span>${t('sex')}: ${who.sex}</span>${who.died ? html`<span class="strong">${t('died')}: ${who.died}</span>` : nothing}</p>
      <p class="source"><span>${t('as_of')} <strong>${who.asOf}</strong></span> <span>${t('said_by')}: ${who.author}</span></p>
      ${covered ? html`<p class="source">${t('coverage', covered)}</p>` : nothing}
      ${covered?.n ? html`<p class="small">${t('terms_unreviewed')}</p>` : nothing}
    </header>
    <section class="warnings" aria-label=${t('warnings')}><ul>${warnings.map((text) => html`<li>${text}</li>`)}</ul></section>
    ${shown.map((section) => sectionView(section, look, harmless))}
  </article>`;
}

/** @param {Shown} section @param {Look} look @param {((xhtml: string) => DocumentFragment) | null} harmless */
function sectionView(section, look, harmless) {
  const { t } = look, open = OPEN.includes(section.name);
  const count = section.active.length;
  const heading = html`<h2>${section.title}${count ? html` <span class="count">${count}</span>` : nothing}</h2>`;
  const body = html`
    ${section.active.length ? html`<ul class="entries">${section.active.map((fact) => factView(fact, look))}</ul>` : nothing}
    ${section.silent.map((fact) => silentView(fact, look))}
    ${section.nothing ? html`<p class="nothing">${t(section.nothing)}</p>` : nothing}
    ${section.unresolved.map((text) => html`<p class="nothing strong">${t('not_shown')}${text ? html`: <span lang="">${text}</span>` : nothing}</p>`)}
    ${section.narrative ? html`<div class="narrative" lang=""><p class="small">${t('as_text')}</p>${harmless?.(section.narrative)}</div>` : nothing}
    ${section.over.length
      ? html`<details class="over"><summary>${t('over')} <span class="count">${section.over.length}</span></summary>
          <ul class="entries">${section.over.map((fact) => factView(fact, look))}</ul></details>`
      : nothing}`;
  if (open) return html`<section class="part ${section.name}">${heading}${body}</section>`;
  return html`<details class="part rest ${section.name}"><summary>${heading}</summary>${body}</details>`;
}

/** What a record says instead of a thing: one line. @param {Fact} fact @param {Look} look */
function silentView(fact, { t }) {
  const own = fact.name.original || fact.name.text;
  const kind = fact.nothing === 'none_of_a_kind' ? null : t(String(fact.nothing));
  return html`<p class="nothing">${kind ?? nothing} <span class=${kind ? 'original' : ''} lang="">${own}</span></p>`;
}

/** @param {Fact} fact @param {Look} look @returns {unknown} */
function factView(fact, look) {
  const { t } = look, { name } = fact;
  const strong = fact.weight === 2 || fact.marks.some((mark) => mark.strong);
  return html`<li class="entry ${strong ? 'severe' : ''} ${fact.stale ? 'stale' : ''}">
    <p class="line"><span class="name" lang=${name.translated ? nothing : ''}>${name.text}</span>
      ${name.original ? html`<span class="original" lang="">${name.original}</span>` : nothing}
      ${fact.marks.map((mark) => html`<span class="mark ${mark.strong ? 'strong' : ''}">${mark.key === 'as_said' ? mark.about?.text : t(mark.key, mark.about)}</span>`)}</p>
    ${fact.main.map((text) => html`<p class="main" lang="">${text}</p>`)}
    ${fact.lines.length
      ? html`<dl>${fact.lines.map(([key, text]) => html`<div><dt>${t(key)}</dt><dd lang="">${text}</dd></div>`)}</dl>`
      : nothing}
    ${fact.said.length || fact.stale ? html`<p class="said">${[...fact.said, ...(fact.stale ? [t('stale')] : [])].join(' · ')}</p>` : nothing}
    ${fact.members.length ? html`<ul class="members">${fact.members.map((each) => factView(each, look))}</ul>` : nothing}
  </li>`;
}

/** The summary as plain text for a record. @param {Summary} summary @param {Look} look @param {import('./card.js').Judged | null} issuer */
export function textOf(summary, look, issuer) {
  const { t } = look, who = whoOf(summary, look);
  const out = [who.name, `${t('born')} ${who.born}, ${t('sex')}: ${who.sex}${who.died ? `, ${t('died')}: ${who.died}` : ''}`, `${t('as_of')} ${who.asOf}. ${t('said_by')}: ${who.author}`];
  out.push(...warningsOf(summary, look, issuer).map((text) => `! ${text}`));
  const write = (/** @type {Fact} */ fact, indent = '') => {
    const marks = fact.marks.map((mark) => (mark.key === 'as_said' ? mark.about?.text : t(mark.key, mark.about)));
    const name = fact.name.original ? `${fact.name.text} [${fact.name.original}]` : fact.name.text;
    const stale = fact.stale ? [t('stale')] : [];
    out.push(`${indent}- ${[name, ...marks, ...fact.main, ...fact.lines.map(([key, text]) => `${t(key)}: ${text}`), ...fact.said, ...stale].join('; ')}`);
    fact.members.forEach((each) => write(each, `${indent}  `));
  };
  for (const section of shownOf(summary, look)) {
    out.push('', section.title.toLocaleUpperCase(look.lang));
    section.active.forEach((fact) => write(fact));
    for (const fact of section.silent) {
      out.push(`- ${[fact.nothing === 'none_of_a_kind' ? '' : t(String(fact.nothing)), fact.name.original || fact.name.text].filter(Boolean).join(': ')}`);
    }
    if (section.nothing) out.push(`- ${t(section.nothing)}`);
    section.unresolved.forEach((text) => out.push(`- ${t('not_shown')}: ${text}`));
    if (section.narrative) out.push(`- ${t('see_page')}`);
    if (section.over.length) out.push(`${t('over')}:`);
    section.over.forEach((fact) => write(fact));
  }
  return `${out.join('\n')}\n`;
}
