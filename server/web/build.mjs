// How do the sources of the pages become what the server sends?
//
// Every file in src/ and src/pages/ is a script of its own, what they share goes into pieces that
// are loaded once. Names hold a hash of the content, so that a browser may keep them for ever;
// manifest.json says which name is current, and is written last.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.resolve(here, "../peninsula/static/built");
const keepsOld = process.argv.includes("--keep");

const scripts = async (folder) =>
  (await readdir(path.join(here, folder)))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.join(here, folder, name));

await mkdir(target, { recursive: true });
const result = await build({
  entryPoints: [
    ...(await scripts("src")),
    ...(await scripts("src/pages")),
    path.join(here, "styles/site.css"),
  ],
  absWorkingDir: here,
  outdir: target,
  outbase: here,
  entryNames: "[name]-[hash]",
  chunkNames: "piece-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
  loader: { ".woff2": "file", ".svg": "file" },
});

const manifest = {};
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  const entry = output.entryPoint;
  if (entry) manifest[path.basename(entry).replace(/\.ts$/, ".js")] = path.basename(file);
}

// Whose work is in it: the licence of every package that went into a script or the style sheet.
// The outlines of the maps are made from world-atlas.
const packages = new Set(["world-atlas"]);
for (const input of Object.keys(result.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
  if (found) packages.add(found[1]);
}
const notices = [];
for (const name of [...packages].sort()) {
  const folder = path.join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(path.join(folder, file), "utf8") : "";
  notices.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
}
await writeFile(path.join(target, "LICENCES.txt"), notices.join(`\n${"-".repeat(72)}\n\n`));

if (existsSync(path.join(here, "outlines.mjs"))) {
  const { draw } = await import("./outlines.mjs");
  Object.assign(manifest, await draw(target));
}

const temporary = path.join(target, `manifest.${process.pid}.json`);
await writeFile(temporary, `${JSON.stringify(manifest, Object.keys(manifest).sort(), 1)}\n`);
await rename(temporary, path.join(target, "manifest.json"));

if (!keepsOld) {
  const current = new Set([
    "manifest.json",
    "LICENCES.txt",
    "sources.sha256",
    ...Object.values(manifest),
    ...Object.keys(result.metafile.outputs).map((file) => path.basename(file)),
  ]);
  for (const name of await readdir(target)) {
    if (!current.has(name)) await rm(path.join(target, name));
  }
}
