// Starts Python in WebAssembly with local folders mounted, and runs main.py.
//
//     node run.mjs PYODIDE SITE CHECKOUT ENVIRONMENT [arguments of pytest]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, site, checkout, environment, ...tests] = process.argv.slice(2);

try {
  const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.mjs")));
  const python = await loadPyodide({ env: JSON.parse(environment) });
  python.mountNodeFS("/site", site);
  python.mountNodeFS("/checkout", checkout);
  python.globals.set("tests", python.toPy(tests));
  const main = readFileSync(new URL("main.py", import.meta.url), "utf-8");
  process.exitCode = await python.runPythonAsync(main, { filename: "main.py" });
} catch (error) {
  // Node would print the source line of the error, which is all of Pyodide.
  console.error(String(error?.stack ?? error));
  process.exitCode = 1;
}
process.exit();
