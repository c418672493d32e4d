// @ts-check
/**
 * Keeps the page's own files, so that it opens without network; never a share, never an answer of the data plane. The list between
 * the marks is written by `python -m infra.viewer.build`; another list is another cache, taken whole or not at all.
 */
/* files */
const VERSION = '848a1621b7ef5fc6';
/** @type {string[]} */
const FILES = [
  '/view',
  '/view/app.js',
  '/view/app.webmanifest',
  '/view/bundle.js',
  '/view/card.js',
  '/view/codes.js',
  '/view/facts.js',
  '/view/icon.svg',
  '/view/link.js',
  '/view/narrative.js',
  '/view/note.js',
  '/view/note_form.js',
  '/view/opening.js',
  '/view/scan.js',
  '/view/screens.js',
  '/view/style.css',
  '/view/summary.js',
  '/view/terms.js',
  '/view/terms/de.json',
  '/view/terms/el.json',
  '/view/terms/en.json',
  '/view/terms/es.json',
  '/view/terms/fr.json',
  '/view/terms/it.json',
  '/view/vendor/dompurify.js',
  '/view/vendor/lit-html.js',
  '/view/vendor/qr.js',
  '/view/words.js',
  '/view/words/bg.json',
  '/view/words/cs.json',
  '/view/words/da.json',
  '/view/words/de.json',
  '/view/words/el.json',
  '/view/words/en.json',
  '/view/words/es.json',
  '/view/words/et.json',
  '/view/words/fi.json',
  '/view/words/fr.json',
  '/view/words/ga.json',
  '/view/words/hr.json',
  '/view/words/hu.json',
  '/view/words/it.json',
  '/view/words/lt.json',
  '/view/words/lv.json',
  '/view/words/mt.json',
  '/view/words/nl.json',
  '/view/words/pl.json',
  '/view/words/pt.json',
  '/view/words/ro.json',
  '/view/words/sk.json',
  '/view/words/sl.json',
  '/view/words/sv.json',
];
/* /files */
const CACHE = `carnet-viewer-${VERSION}`;
const worker = /** @type {any} */ (globalThis);

worker.addEventListener('install', (/** @type {any} */ event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.map((file) => new Request(file, { cache: 'no-cache', credentials: 'omit' })));
      await worker.skipWaiting();
    })(),
  );
});

worker.addEventListener('activate', (/** @type {any} */ event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys();
      await Promise.all(names.filter((name) => name.startsWith('carnet-viewer-') && name !== CACHE).map((name) => caches.delete(name)));
    })(),
  );
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  if (!FILES.includes(url.pathname)) return;
  event.respondWith((async () => (await (await caches.open(CACHE)).match(url.pathname)) ?? fetch(event.request))());
});
