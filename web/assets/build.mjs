// Builds ./dist, which goes into the program: scripts and styles by esbuild, and the fonts that they name. `node build.mjs --watch` builds
// again with each change.
import * as esbuild from "esbuild";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";

const here = import.meta.dirname;
const dist = `${here}/dist`;
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) if (name !== ".keep") rmSync(`${dist}/${name}`, { recursive: true });
cpSync(`${here}/src/static`, dist, { recursive: true });

const entries = readdirSync(`${here}/src`).filter((name) => /^[a-z]+\.(ts|css)$/.test(name) && !name.endsWith(".d.ts"));
const options = {
  absWorkingDir: here,
  entryPoints: entries.map((name) => `src/${name}`),
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: ["es2020", "chrome90", "firefox90", "safari14"],
  supported: { destructuring: true }, // of these browsers only Safari 14.0 has a fault with it, in a form that we do not write
  minify: true,
  legalComments: "linked",
  assetNames: "[name]",
  loader: { ".woff2": "file", ".png": "file", ".svg": "file" },
  logLevel: "warning",
};
if (process.argv.includes("--watch")) {
  await (await esbuild.context(options)).watch();
} else {
  await esbuild.build(options);
}
