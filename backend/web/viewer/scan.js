// @ts-check
/**
 * QR codes from the camera or a photo, read in the page; no frame leaves it. Fetched when somebody scans. The browser's own reader
 * goes first, then `qr`. Not here: what a code means.
 */
import decodeQR from './vendor/qr.js';
import { Trouble } from './link.js';

// Pixels of the longer side, one after another: the second finds most of what noise hides from the first, and costs less.
const SIDES = [1280, 960];
const SIDES_OF_A_PHOTO = [1280, 960, 1920, 640];

/** The browser's own reader, where it has one. @type {Promise<any>} */
const own = (async () => {
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  const formats = await Detector?.getSupportedFormats?.().catch(() => []);
  return formats?.includes('qr_code') ? new Detector({ formats: ['qr_code'] }) : null;
})();

/** The text of a QR code in an image, or null. @param {HTMLVideoElement | ImageBitmap | HTMLCanvasElement} image @param {number} [effort] @returns {Promise<string | null>} */
export async function readCode(image, effort = 1) {
  const found = await (await own)?.detect(image).catch(() => []);
  if (found?.length) return found[0].rawValue;
  const [width, height] = image instanceof HTMLVideoElement ? [image.videoWidth, image.videoHeight] : [image.width, image.height];
  if (!width) return null;
  for (const side of effort > 1 ? SIDES_OF_A_PHOTO : SIDES) {
    const scale = Math.min(effort > 1 ? 2 : 1, side / Math.max(width, height));
    const canvas = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    try {
      return decodeQR({ width: canvas.width, height: canvas.height, data }, { effort: 1 + effort, timeLimit: 1000 });
    } catch {
      // Nothing in this frame at this size.
    }
  }
  return null;
}

/** @param {Blob} photo @returns {Promise<string>} */
export async function readPhoto(photo) {
  let image;
  try {
    image = await createImageBitmap(photo);
  } catch {
    throw new Trouble('t_no_picture');
  }
  const text = await readCode(image, 4);
  image.close();
  if (text === null) throw new Trouble('t_no_code');
  return text;
}

/**
 * Shows the camera in an element until a code is found; gives the code, and how to stop.
 * @param {HTMLVideoElement} video @param {(text: string) => boolean} wanted whether a code is one that this page reads
 * @returns {{code: Promise<string>, stop: () => void}}
 */
export function scan(video, wanted) {
  let on = true;
  /** @type {MediaStream | undefined} */
  let stream;
  const stop = () => {
    on = false;
    stream?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  const code = (async () => {
    if (!navigator.mediaDevices) throw new Trouble('t_no_camera');
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false });
    } catch (error) {
      throw new Trouble(/** @type {Error} */ (error).name === 'NotAllowedError' ? 't_camera_refused' : 't_no_camera');
    }
    if (!on) stop();
    video.srcObject = stream;
    await video.play().catch(() => undefined);
    while (on) {
      const text = await readCode(video);
      if (text !== null && wanted(text)) return text;
      await new Promise((done) => setTimeout(done, 60));
    }
    return '';
  })();
  return { code: code.finally(stop), stop };
}
