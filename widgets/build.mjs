// Bundles each src/<widget>/index.ts(x) into one self-contained ES module, dlnb/widgets/static/<widget>.js,
// and src/core/loader.ts into loader.js, the two kilobytes that every widget instance carries.
import { existsSync, readdirSync } from "node:fs";
import * as esbuild from "esbuild";

const widgets = readdirSync("src")
  .map((name) => [name, ["tsx", "ts"].map((kind) => `src/${name}/index.${kind}`).find(existsSync)])
  .filter(([, file]) => file);

const options = {
  entryPoints: { loader: "src/core/loader.ts", ...Object.fromEntries(widgets) },
  outdir: "../dlnb/widgets/static",
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".css": "text" }, // put into each widget's own root, so that it also works in a shadow root
  minify: !process.argv.includes("--watch"),
  logLevel: "info",
};

if (process.argv.includes("--watch")) {
  const context = await esbuild.context({ ...options, sourcemap: "inline" });
  await context.watch();
} else {
  await esbuild.build(options);
}
