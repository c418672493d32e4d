// A strict public client of SMART Health Links, driven by the tests: `resolve` and `make`, JSON in and out.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { SHL, SHLManifestBuilder, SHLViewer } = createRequire(process.env.CLIENT_FOLDER + "/")("kill-the-clipboard");

async function resolve({ link, ...asked }) {
  const viewer = new SHLViewer({ shlinkURI: link });
  try {
    const { manifest, fhirResources } = await viewer.resolveSHL(asked);
    return { manifest, fhirResources, label: viewer.shl.label, exp: viewer.shl.exp };
  } catch (error) {
    return { error: error.code };
  }
}

async function make({ url, flag, label, contents, embeddedLengthMax }) {
  const shl = SHL.generate({ baseManifestURL: url, manifestPath: "manifest.json", flag, label });
  const files = {};
  const builder = new SHLManifestBuilder({
    shl,
    uploadFile: async (content) => {
      const path = `/file-${Object.keys(files).length}`;
      files[path] = content;
      return path;
    },
    getFileURL: async (path) => url + path,
    loadFile: async (path) => files[path],
  });
  for (const { content, enableCompression } of contents) await builder.addFHIRResource({ content, enableCompression });
  return { link: shl.toURI(), url: shl.url, files, manifest: await builder.buildManifest({ embeddedLengthMax }) };
}

const commands = { resolve, make };
const input = JSON.parse(readFileSync(0, "utf-8"));
commands[process.argv[2]](input).then((output) => process.stdout.write(JSON.stringify(output)));
