// @ts-check
/**
 * The form with which a reader sends a note back, and what became of the notes of this share. It keeps nothing but what is on the
 * screen. Not here: sealing and requests (note.js). Spec: openapi/protocol/inbox.md; viewer.md, VIE-19.
 */
import { html, nothing } from './vendor/lit-html.js';
import { Trouble } from './link.js';
import { DOCUMENT_BYTES_MAX, TEXT_CHARS_MAX, TYPES, inboxKey, readMarks, sendNote } from './note.js';

/** @typedef {{view: (words: import('./screens.js').Words) => unknown}} Notes */

/**
 * What stands below a summary whose share takes notes; null for one that does not.
 * @param {import('./link.js').Link} link @param {string} ticket @param {string} recipient @param {string[]} documents FHIR JSON
 * @param {() => void} refresh shows it anew @returns {Promise<Notes | null>}
 */
export async function notesOf(link, ticket, recipient, documents, refresh) {
  const key = documents.map(inboxKey).find((each) => each !== null);
  if (!key) return null;
  const box = { link, ticket, key };
  /** @type {{marks: import('./note.js').Mark[], sending: boolean, sent: boolean, trouble: Trouble | null}} */
  const state = { marks: await readMarks(box).catch(() => []), sending: false, sent: false, trouble: null };

  /** @param {any} event */
  async function send(event) {
    event.preventDefault();
    const form = event.target;
    const { sender, text, paper } = form.elements;
    if (state.sending) return;
    Object.assign(state, { sending: true, sent: false, trouble: null });
    refresh();
    try {
      await sendNote(box, sender.value.trim(), text.value, paper.files[0]);
      state.marks = await readMarks(box).catch(() => state.marks);
      state.sent = true;
      text.value = paper.value = '';
    } catch (error) {
      state.trouble = error instanceof Trouble ? error : new Trouble('t_not_understood');
    }
    state.sending = false;
    refresh();
  }

  return {
    view: (words) => html`<section class="notes" aria-labelledby="notes"><h2 id="notes">${words.t('note')}</h2>
      ${state.marks.length ? list(words, state.marks) : nothing}
      <details ?open=${state.marks.length === 0 && state.trouble !== null}><summary>${words.t('note_write')}</summary>
        <p class="small">${words.t('note_why')}</p>
        <form autocomplete="off" @submit=${send}>
          <label>${words.t('who_are_you')}<input name="sender" type="text" maxlength="256" required autocomplete="off" .value=${recipient} /></label>
          <label>${words.t('note_text')}<textarea name="text" rows="5" maxlength=${TEXT_CHARS_MAX} autocomplete="off"></textarea></label>
          <label>${words.t('note_document', { n: DOCUMENT_BYTES_MAX / 1024 })}<input name="paper" type="file" accept=${TYPES.join(',')} /></label>
          <p><button ?disabled=${state.sending}>${words.t('note_send')}</button></p></form></details>
      <div role="status">${state.sent ? html`<p>${words.t('note_sent')}</p>` : nothing}</div>
      <div role="alert">${state.trouble ? html`<p class="alert">${words.t(state.trouble.code, state.trouble.about)}</p>` : nothing}</div></section>`,
  };
}

/** @param {import('./screens.js').Words} words @param {import('./note.js').Mark[]} marks */
function list({ t, lang }, marks) {
  const date = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' });
  const line = (/** @type {import('./note.js').Mark} */ mark) => html`<li><p>${t('note_mark', { date: date.format(mark.sent_at) })}
      <span class="mark">${t(mark.opened_at !== null ? 'note_opened' : mark.fetched_at !== null ? 'note_fetched' : 'note_waits')}</span></p>
    ${mark.answer === null ? nothing : html`<p class="answer"><strong>${t('note_answer')}</strong> <span lang="">${mark.answer}</span></p>`}</li>`;
  return html`<ul>${marks.map(line)}</ul>`;
}
