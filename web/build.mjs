// Builds static/ from assets/ and node_modules/: hashed scripts and styles, one sprite of icons, and manifest.json.
import { createHash } from "node:crypto";
import {
  existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url)); // import.meta.dirname needs a newer Node than Debian 12 has
const out = join(here, "static");
const folders = (folder) => readdirSync(join(here, folder)).map((name) => join(here, folder, name));

// Pages that are open, and a server that runs, go on with the files they know: those leave a month after their use.
const now = Date.now() / 1000;
const month = 30 * 86400;
const listed = join(out, "manifest.json");
const before = existsSync(listed) ? Object.values(JSON.parse(readFileSync(listed, "utf8"))) : [];
mkdirSync(out, { recursive: true });
for (const file of before) if (existsSync(join(out, file))) utimesSync(join(out, file), now, now);

const { metafile } = await build({
  entryPoints: ["app", "charts", "console"].flatMap((name) => [`assets/ts/${name}.ts`, `assets/css/${name}.css`]),
  absWorkingDir: here,
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox120", "safari17.5"],
  entryNames: "[name]-[hash]",
  legalComments: "linked",
  metafile: true,
});

const manifest = {};
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint) manifest[basename(entryPoint).replace(/\.ts$/, ".js")] = basename(file);
}

function hashed(name, content) {
  const [stem, extension] = name.split(".");
  const file = `${stem}-${createHash("sha256").update(content).digest("hex").slice(0, 8)}.${extension}`;
  writeFileSync(join(out, file), content);
  manifest[name] = file;
}

// Only the icons that templates name: each line of icons.txt is "our word" and "icon of the set".
const symbols = readFileSync(join(here, "assets/icons.txt"), "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => {
    const [word, icon] = line.split(/\s+/);
    const svg = readFileSync(join(here, `node_modules/@tabler/icons/icons/outline/${icon}.svg`), "utf8");
    const paths = svg.match(/<path[^>]*\/>/g).filter((path) => !path.includes('stroke="none"'));
    return `<symbol id="${word}" viewBox="0 0 24 24">${paths.join("")}</symbol>`;
  });
hashed("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
for (const file of folders("assets/images")) hashed(basename(file), readFileSync(file));

writeFileSync(`${listed}.new`, JSON.stringify(manifest, null, 2));
renameSync(`${listed}.new`, listed);

const current = new Set(["manifest.json", ...Object.values(manifest)]);
for (const name of readdirSync(out)) {
  const known = current.has(name.replace(/\.LEGAL\.txt$/, ""));
  if (!known && statSync(join(out, name)).mtimeMs / 1000 < now - month) rmSync(join(out, name), { recursive: true });
}
