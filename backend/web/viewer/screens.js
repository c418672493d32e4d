// @ts-check
/** What stands on the screen around a summary: start, camera, questions, waiting, trouble, the end. Only templates; app.js acts. */
import { html, nothing } from './vendor/lit-html.js';
import { LANGUAGES } from './words.js';

/** @typedef {ReturnType<import('./words.js').reader>} Words */
/**
 * @typedef {object} Acts
 * @property {(lang: string) => void} speak
 * @property {() => void} scan
 * @property {(photo: File) => void} photo
 * @property {(text: string) => void} paste
 * @property {(recipient: string, passcode: string) => void} open
 * @property {() => void} back
 * @property {() => void} forget
 */

/** @param {Words} words @param {Acts} acts @param {unknown} content @param {unknown} tools */
export function frame(words, acts, content, tools) {
  const { t, lang } = words;
  return html`<header class="bar"><a class="skip" href="#main" @click=${skip}>${t('skip')}</a>
      <p class="title">${t('title')}</p>
      <label class="speak"><span>${t('language')}</span>
        <select autocomplete="off" @change=${(/** @type {any} */ e) => acts.speak(e.target.value)}>
          ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code} .selected=${code === lang}>${name}</option>`)}
        </select></label>${tools}</header>
    <main id="main">${content}</main>
    <footer><p>${t('nothing_stored')}</p>
      ${words.unreviewed ? html`<p>${t('unreviewed')}</p>` : nothing}${words.lacks ? html`<p>${t('some_english', { n: words.lacks })}</p>` : nothing}</footer>`;
}

/** A fragment would stand in the address: focus moves without it. @param {Event} event */
function skip(event) {
  event.preventDefault();
  /** @type {HTMLElement | null} */ (document.querySelector('h1'))?.focus();
}

/** @param {Words} words @param {Acts} acts @param {string} trouble or empty */
export function start({ t }, acts, trouble) {
  const paste = (/** @type {any} */ event) => {
    event.preventDefault();
    acts.paste(event.target.elements.link.value);
  };
  return html`<h1 tabindex="-1">${t('start')}</h1>
    ${trouble ? html`<p class="alert" role="alert">${trouble}</p>` : nothing}
    <div class="ways"><button class="big" @click=${acts.scan}>${t('scan')}</button>
      <label class="button">${t('photo')}<input type="file" accept="image/*" autocomplete="off"
        @change=${(/** @type {any} */ e) => e.target.files[0] && acts.photo(e.target.files[0])} /></label></div>
    <form autocomplete="off" @submit=${paste}><label>${t('paste')}
        <input name="link" type="text" inputmode="url" spellcheck="false" autocapitalize="off" autocomplete="off" required /></label>
      <button>${t('go_on')}</button></form>`;
}

/** @param {Words} words @param {Acts} acts @param {string} said how far it has come, or empty */
export function camera({ t }, acts, said) {
  return html`<h1 tabindex="-1">${t('scanning')}</h1><p role="status">${said || t('hold_still')}</p>
    <video playsinline muted aria-label=${t('scanning')}></video><p><button @click=${acts.back}>${t('back')}</button></p>`;
}

/** @param {Words} words @param {Acts} acts @param {{passcode: boolean, emergency: boolean, label: string, host: string, trouble: string, recipient: string}} about */
export function questions({ t }, acts, { passcode, emergency, label, host, trouble, recipient }) {
  const open = (/** @type {any} */ event) => {
    event.preventDefault();
    const { recipient: who, why } = event.target.elements;
    acts.open([who.value.trim(), why?.value.trim()].filter(Boolean).join(': ').slice(0, 256), event.target.elements.passcode?.value ?? '');
  };
  return html`<h1 tabindex="-1">${t(passcode ? 'ask_passcode' : emergency ? 'emergency' : 'ask_who')}</h1>
    ${label ? html`<p class="label" lang="">${label}</p>` : nothing}
    ${trouble ? html`<p class="alert" role="alert" id="wrong">${trouble}</p>` : nothing}
    <form autocomplete="off" @submit=${open}>
      <label>${t('who_are_you')}<input name="recipient" type="text" maxlength="256" required autocomplete="off" .value=${emergency ? recipient.split(': ')[0] : recipient} /></label>
      <p class="small">${t('who_why', { host })}</p>
      ${emergency ? html`<label>${t('why')}<input name="why" type="text" maxlength="120" required autocomplete="off" /></label><p class="small">${t('told_at_once')}</p>` : nothing}
      ${passcode
        ? html`<label>${t('passcode')}<input name="passcode" type="text" class="passcode" required autocomplete="off" spellcheck="false"
            autocapitalize="off" aria-describedby=${trouble ? 'wrong' : nothing} aria-invalid=${trouble ? 'true' : nothing} /></label>`
        : nothing}
      <p class="ways"><button class="big">${t('open')}</button><button type="button" @click=${acts.back}>${t('back')}</button></p></form>`;
}

/** @param {Words} words */
export function waiting({ t }) {
  return html`<h1 tabindex="-1">${t('loading')}</h1><p role="status">${t('loading_why')}</p>`;
}

/** @param {Words} words @param {Acts} acts @param {string} text @param {boolean} again whether trying again may help */
export function trouble({ t }, acts, text, again) {
  return html`<h1 tabindex="-1">${t('trouble')}</h1><p class="alert" role="alert">${text}</p>
    <p class="ways">${again ? html`<button class="big" @click=${acts.open}>${t('again')}</button>` : nothing}<button @click=${acts.back}>${t('to_start')}</button></p>`;
}

/** @param {Words} words @param {Acts} acts @param {boolean} idle @param {boolean} byAddress whether the browser itself saw the link */
export function closed({ t }, acts, idle, byAddress) {
  return html`<h1 tabindex="-1">${t('forgotten')}</h1><p role="status">${t(idle ? 'forgotten_idle' : 'forgotten_why')}</p>
    ${byAddress ? html`<p>${t('forgotten_link')}</p>` : nothing}
    <p><button @click=${acts.back}>${t('to_start')}</button></p>`;
}
