// @ts-check
/**
 * The viewer: what happens when. All that it knows is in memory; the link leaves the address before anything else. "Forget",
 * ten idle minutes, and leaving the page drop it. Not here: any rendering, any FHIR. Spec: openapi/protocol/viewer.md.
 */
import { html, nothing, render } from './vendor/lit-html.js';
import { Trouble, findLink, isCard, readLink } from './link.js';
import * as screens from './screens.js';
import { load, loadTerms, preferred, reader } from './words.js';

const IDLE_MS = 10 * 60_000;
const arrived = findLink(location.href);
if (location.hash || location.search) history.replaceState(null, '', location.pathname);

/** @typedef {{summary: import('./bundle.js').Summary, text: string, issuer: import('./card.js').Judged | null}} Read */
/** @type {{screen: string, lang: string, link: import('./link.js').Link | null, recipient: string, passcode: boolean, trouble: Trouble | null, read: Read[], notes: import('./note_form.js').Notes | null, said: string, idle: boolean}} */
const state = { screen: 'start', lang: preferred(), link: null, recipient: '', passcode: false, trouble: null, read: [], notes: null, said: '', idle: false };
const root = /** @type {HTMLElement} */ (document.getElementById('page'));
root.replaceChildren();
/** @type {{stop: () => void} | null} */
let camera = null;
/** @type {((xhtml: string) => DocumentFragment) | null} */
let harmless = null;
/** What opens and shows a summary, fetched while the reader answers: the first question does not wait for it. @type {Awaited<ReturnType<typeof fetchParts>> | null} */
let parts = null;
let lastAct = Date.now();
/** Codes of a health card that has several, until all have come. @type {import('./card.js').Pieces} */
const pieces = { count: 0, digits: new Map() };

async function fetchParts() {
  const all = [import('./opening.js'), import('./bundle.js'), import('./card.js'), import('./summary.js')];
  const [opening, bundle, card, summary] = /** @type {[typeof import('./opening.js'), typeof import('./bundle.js'), typeof import('./card.js'), typeof import('./summary.js')]} */ (await Promise.all(all));
  return { ...opening, ...bundle, ...card, ...summary };
}

/** @returns {Promise<NonNullable<typeof parts>>} */
async function needed() {
  try {
    return (parts ??= await fetchParts());
  } catch {
    throw new Trouble(navigator.onLine ? 't_unreachable' : 't_offline');
  }
}

/** Changes the state and shows it; a new screen takes the focus. @param {Partial<typeof state>} change */
function show(change) {
  const moves = change.screen !== undefined;
  if (moves && change.screen !== 'scan') {
    camera?.stop();
    camera = null;
  }
  Object.assign(state, { trouble: null, said: '' }, change);
  const words = reader(state.lang);
  document.documentElement.lang = state.lang;
  document.title = words.t('title');
  render(screens.frame(words, acts, content(words), state.screen === 'summary' ? tools(words) : nothing), root);
  if (!moves) return;
  scrollTo(0, 0);
  const asks = state.screen === 'ask' ? root.querySelector(state.recipient ? '[name=passcode]' : '[name=recipient]') : null;
  /** @type {HTMLElement | null} */ (asks ?? root.querySelector('h1'))?.focus();
}

/** @param {screens.Words} words */
function content(words) {
  const said = state.trouble ? words.t(state.trouble.code, state.trouble.about) : '';
  switch (state.screen) {
    case 'scan':
      return screens.camera(words, acts, state.said);
    case 'ask': {
      const { label = '', url, emergency = false } = state.link ?? {};
      return screens.questions(words, acts, { passcode: state.passcode, emergency, label, host: url?.host ?? '', trouble: said, recipient: state.recipient });
    }
    case 'loading':
      return screens.waiting(words);
    case 'trouble':
      return screens.trouble(words, { ...acts, open: () => acts.open(state.recipient, '') }, said, canTryAgain());
    case 'summary':
      return html`<p class="said-aloud" role="status">${state.said}</p>
        ${state.read.map(({ summary, issuer }) => parts?.summaryView(summary, look(summary, words), { issuer, harmless }))}
        ${state.notes?.view(words) ?? nothing}`;
    case 'closed':
      return screens.closed(words, acts, state.idle, arrived !== null);
    default:
      return screens.start(words, acts, said);
  }
}

function canTryAgain() {
  return state.link !== null && !state.passcode && ['t_offline', 't_unreachable', 't_busy'].includes(state.trouble?.code ?? '');
}

/** @param {import('./bundle.js').Summary} summary @param {screens.Words} words @returns {import('./facts.js').Look} */
function look(summary, words) {
  const said = String(summary.composition.language ?? summary.bundle.language ?? '').slice(0, 2).toLowerCase();
  const called = said === words.lang ? () => undefined : words.called; // what is in the reader's language needs no other words
  return { ...words, called, resolve: summary.resolve, now: Date.now() };
}

/** @param {screens.Words} words */
function tools(words) {
  const { t } = words;
  const text = () => state.read.map(({ summary, issuer }) => parts?.textOf(summary, look(summary, words), issuer)).join('\n');
  const copy = () => navigator.clipboard.writeText(text()).then(() => show({ said: t('copied') }), () => show({ said: t('not_copied') }));
  return html`<div class="tools" role="group" aria-label=${t('tools')}>
    <button class="forget" @click=${acts.forget}>${t('forget')}</button><button @click=${copy}>${t('copy')}</button>
    <button @click=${() => print()}>${t('print')}</button><button @click=${save}>${t('save')}</button></div>`;
}

/** Hands out each document byte for byte as it came. */
function save() {
  for (const { text } of state.read) {
    const anchor = document.createElement('a');
    anchor.href = URL.createObjectURL(new Blob([text], { type: 'application/fhir+json' }));
    anchor.download = 'patient-summary.json';
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
  }
}

/** @param {boolean} idle */
function forget(idle) {
  harmless = null;
  pieces.digits.clear();
  show({ screen: 'closed', link: null, recipient: '', passcode: false, read: [], notes: null, idle });
}

/** Any text that a QR code or a person gives. @param {string} text */
async function take(text) {
  try {
    if (isCard(text)) {
      const { jwsOfCodes } = await needed();
      return await showFiles([{ contentType: 'application/smart-health-card', text: JSON.stringify({ verifiableCredential: [jwsOfCodes(text, pieces)] }) }]);
    }
    const link = readLink(text);
    return show({ screen: 'ask', link, notes: null, passcode: link.flag.includes('P') });
  } catch (error) {
    return show({ screen: 'start', trouble: asTrouble(error) });
  }
}

/** @param {import('./opening.js').Opened[]} files */
async function showFiles(files) {
  const { bundleOfCard, readBundle } = await needed();
  /** @type {Read[]} */
  const read = [];
  for (const { text } of files) {
    let document;
    try {
      document = JSON.parse(text);
    } catch {
      throw new Trouble('t_not_understood');
    }
    for (const jws of document?.verifiableCredential ?? []) {
      const { bundle, issuer } = await bundleOfCard(jws);
      read.push({ summary: readBundle(bundle), text: JSON.stringify(bundle), issuer });
    }
    if (typeof document?.resourceType === 'string') read.push({ summary: readBundle(document), text, issuer: null });
  }
  if (!read.length) throw new Trouble('t_not_understood');
  await loadTerms(state.lang);
  if (read.some(({ summary }) => summary.sections.some((section) => section.narrative))) ({ harmless } = await import('./narrative.js'));
  show({ screen: 'summary', read });
}

/** Below the summary: what the reader may send back, if the share takes notes. @param {import('./link.js').Link} link @param {string} ticket */
async function offerNotes(link, ticket) {
  const { notesOf } = await import('./note_form.js');
  const notes = await notesOf(link, ticket, state.recipient, state.read.map(({ text }) => text), () => state.notes && show({}));
  if (notes && state.link === link && state.screen === 'summary') show({ notes });
}

/** Whether a code of a card in several has come already: the camera sees it still. @param {string} text */
function isKnown(text) {
  return [...pieces.digits].some(([number, digits]) => text.trim() === `shc:/${number}/${pieces.count}/${digits}`);
}

/** @param {unknown} error @returns {Trouble} */
function asTrouble(error) {
  return error instanceof Trouble ? error : new Trouble('t_not_understood');
}

/** @type {screens.Acts} */
const acts = {
  async speak(lang) {
    const { screen, ...kept } = state;
    if (state.read.length) await loadTerms(lang);
    await load(lang).then(() => show({ ...kept, lang }), () => show({ ...kept, said: reader(state.lang).t('t_offline') }));
  },
  async scan() {
    show({ screen: 'scan', said: state.trouble?.code === 't_card_in_parts' ? reader(state.lang).t('t_card_in_parts', state.trouble.about) : '' });
    try {
      const { scan } = await import('./scan.js');
      const video = root.querySelector('video');
      if (!video) return;
      const running = scan(video, (text) => findLink(text) !== null || (isCard(text) && !isKnown(text)));
      camera = running;
      const code = await running.code;
      if (code && state.screen === 'scan') await take(code);
      // A card in several codes: the camera goes on until all have come.
      if (state.trouble?.code === 't_card_in_parts') await acts.scan();
    } catch (error) {
      if (state.screen === 'scan') show({ screen: 'start', trouble: asTrouble(error) });
    }
  },
  async photo(file) {
    try {
      await take(await (await import('./scan.js')).readPhoto(file));
    } catch (error) {
      show({ screen: 'start', trouble: asTrouble(error) });
    }
  },
  paste: (text) => void take(text),
  async open(recipient, passcode) {
    const { link } = state;
    if (!link) return;
    show({ screen: 'loading', recipient });
    try {
      const { openLink } = await needed();
      if (state.link !== link) return;
      let ticket = '';
      const files = await openLink(link, recipient, passcode, (each) => (ticket = each));
      if (state.link !== link) return;
      await showFiles(files);
      if (ticket) void offerNotes(link, ticket).catch(() => undefined); // a summary is no worse without it
    } catch (error) {
      const trouble = asTrouble(error);
      if (state.link !== link) return;
      if (trouble.code === 't_wrong_passcode' || trouble.code === 't_passcode') show({ screen: 'ask', passcode: true, trouble });
      else if (passcode && ['t_offline', 't_unreachable', 't_busy'].includes(trouble.code)) show({ screen: 'ask', trouble });
      else show({ screen: 'trouble', trouble });
    }
  },
  back() {
    pieces.digits.clear();
    show({ screen: 'start', link: null, recipient: '', passcode: false, read: [], notes: null });
  },
  forget: () => forget(false),
};

for (const kind of ['pointerdown', 'keydown', 'scroll']) addEventListener(kind, () => (lastAct = Date.now()), { passive: true, capture: true });
setInterval(() => state.read.length + pieces.digits.size + Number(state.link !== null) && Date.now() - lastAct > IDLE_MS && forget(true), 5_000);
addEventListener('hashchange', () => {
  const link = findLink(location.href);
  history.replaceState(null, '', location.pathname);
  if (link) void take(link);
});
// A summary that is on the screen was opened once and is counted: a reload would open it again.
addEventListener('beforeunload', (event) => state.read.length && event.preventDefault());
addEventListener('pagehide', () => {
  camera?.stop();
  if (state.read.length || state.link || pieces.digits.size) forget(false);
});
/** @type {HTMLDetailsElement[]} */
let unfolded = [];
addEventListener('beforeprint', () => {
  unfolded = [...root.querySelectorAll('details')].filter((each) => !each.open);
  unfolded.forEach((each) => (each.open = true));
});
addEventListener('afterprint', () => unfolded.forEach((each) => (each.open = false)));

if (navigator.serviceWorker) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  const policy = types?.createPolicy('carnet-worker', { createScriptURL: () => '/view/sw.js' });
  navigator.serviceWorker.register(policy ? policy.createScriptURL('') : '/view/sw.js', { scope: '/view', type: 'module' }).catch(() => undefined);
}
await load(state.lang).catch(() => load('en').then(() => (state.lang = 'en')));
if (arrived) await take(arrived);
else show({ screen: 'start' });
needed().catch(() => undefined); // who opens asks again, and is told
