// JSONata as Step Functions evaluates it: the reference implementation, and stricter where AWS is.

import { createRequire } from "node:module";

// It comes with the validator of workflows, which `scripts/setup lint` installs.
const jsonata = createRequire(new URL("../../.tools/lint-node/package.json", import.meta.url))("jsonata");

/** An error that a Retry or a Catch can name. */
export class StateError extends Error {
  constructor(error, cause = "") {
    super(`${error}: ${cause}`);
    this.error = error;
    this.cause = cause;
  }
}

/** JSON with {% … %} in it, evaluated. `scope` has the variables, `states` (what $states is) and `random`. */
export async function evaluate(template, scope) {
  if (typeof template === "string") return isExpression(template) ? expression(template.slice(2, -2), scope) : template;
  if (Array.isArray(template)) return Promise.all(template.map((part) => evaluate(part, scope)));
  if (template === null || typeof template !== "object") return template;
  const parts = Object.entries(template).map(async ([key, part]) => [key, await evaluate(part, scope)]);
  return Object.fromEntries(await Promise.all(parts));
}

/** AWS takes a string for an expression only if it is one from its first character to its last. */
function isExpression(text) {
  if (text.startsWith("{%") !== text.endsWith("%}")) throw new Error(`half an expression: ${text}`);
  return text.startsWith("{%");
}

async function expression(source, { variables, states, random }) {
  const { program, names } = await compiled(source);
  // AWS: to read a variable that was never assigned is an error. JSONata would go on with nothing.
  for (const name of names) if (!(name in variables)) throw failed(source, `$${name} is not assigned`);
  let value;
  try {
    value = await program.evaluate(undefined, { ...variables, states, random, parse: (text) => JSON.parse(text) });
  } catch (error) {
    throw failed(source, error.message);
  }
  // AWS: an expression that yields nothing is an error, not null.
  if (value === undefined) throw failed(source, "it yields nothing");
  return JSON.parse(JSON.stringify(value));
}

const failed = (source, why) => new StateError("States.QueryEvaluationError", `${why}, in ${source.trim()}`);

const programs = new Map();

/** The program, and the variables of the workflow that it reads. */
async function compiled(source) {
  if (!programs.has(source)) {
    const program = jsonata(source);
    programs.set(source, { program, names: await namesRead(program.ast()) });
  }
  return programs.get(source);
}

async function namesRead(ast) {
  const read = new Set();
  const bound = new Set(["", "states", "parse", "random"]); // "" is the $ of a filter
  const seen = new Set();
  (function walk(node) {
    if (node === null || typeof node !== "object" || seen.has(node)) return;
    seen.add(node);
    if (node.type === "bind") bound.add(node.lhs.value);
    if (node.type === "lambda") for (const argument of node.arguments) bound.add(argument.value);
    if (node.type === "variable") read.add(node.value);
    for (const part of Object.values(node)) walk(part);
  })(ast);
  // AWS has no $eval, and $parse in its place.
  if (read.has("eval")) throw new Error("Step Functions has no $eval");
  const free = [...read].filter((name) => !bound.has(name));
  const builtIn = await Promise.all(free.map((name) => jsonata(`$${name}`).evaluate(undefined)));
  return free.filter((_, index) => builtIn[index] === undefined);
}
