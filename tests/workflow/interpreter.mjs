// Step Functions as strict as AWS is. Emulators let pass what ends an execution there; here it ends it too.

import { StateError, evaluate } from "./expressions.mjs";

/** AWS ends an execution whose history is longer. */
export const LONGEST_HISTORY = 25_000;

/** A field that is not known here is an error, so that nothing in the workflow is passed over in silence. */
const FIELDS = {
  Pass: ["Assign", "Next"],
  Task: ["Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch", "Assign", "Output", "Next"],
  Choice: ["Choices", "Default"],
  Wait: ["Seconds", "Assign", "Next"],
  Succeed: [],
  Fail: ["Error", "Cause"],
};

/**
 * Runs the workflow in a world, from its start or, as a redrive does, from where an earlier execution ended.
 *
 * @returns how it ended: `end` (Succeed with its output as `input`, Fail, or Uncaught with `at`), `error`, `cause`;
 * and what it did: `path` (states), `ways` (out of each), `events` (the length of the history), `waited` (seconds).
 */
export async function execute(machine, world, input, redriven = null) {
  const execution = redriven ?? begun(machine, input);
  const context = { Execution: { Id: world.execution, StartTime: world.startedAt, Input: input } };
  execution.end = null;
  while (execution.end === null) {
    const state = machine.States[execution.at];
    checkFields(execution.at, state);
    execution.path.push(execution.at);
    happened(execution, 1); // …StateEntered
    const scope = (more = {}) => ({
      variables: execution.variables,
      states: { input: execution.input, context, ...more },
      random: world.random,
    });
    await STATES[state.Type](execution, state, scope, world).catch((error) => uncaught(execution, error));
  }
  return execution;
}

function begun(machine, input) {
  return { at: machine.StartAt, input, variables: {}, path: [], ways: new Set(), events: 1, waited: 0, end: null };
}

function checkFields(name, state) {
  const known = [...FIELDS[state.Type], "Type", "Comment"];
  for (const field of Object.keys(state)) if (!known.includes(field)) throw new Error(`${name}: what is ${field}?`);
}

/** Counts events of the history. */
function happened(execution, count) {
  execution.events += count;
  if (execution.events > LONGEST_HISTORY) {
    throw new Error(`the history grows beyond ${LONGEST_HISTORY} events: … ${execution.path.slice(-12).join(" > ")}`);
  }
}

/** What no Catch took ends the execution where it is, so that a redrive goes on there. */
function uncaught(execution, error) {
  if (!(error instanceof StateError)) throw error;
  Object.assign(execution, { end: "Uncaught", error: error.error, cause: error.cause });
}

/** AWS evaluates every expression of an Assign with the values from before it; what one sets, the next does not see. */
async function assign(execution, assigns, scope) {
  if (assigns !== undefined) execution.variables = { ...execution.variables, ...(await evaluate(assigns, scope)) };
}

function leave(execution, next, way) {
  happened(execution, 1); // …StateExited
  execution.ways.add(`${execution.at} / ${way}`);
  execution.at = next;
}

const STATES = { Pass: pass, Task: task, Choice: choose, Wait: wait, Succeed: succeed, Fail: fail };

async function pass(execution, state, scope) {
  await assign(execution, state.Assign, scope());
  leave(execution, state.Next, "Next");
}

async function choose(execution, state, scope) {
  for (const [index, rule] of state.Choices.entries()) {
    const holds = await evaluate(rule.Condition, scope());
    // AWS: a condition must yield true or false. JSONata would take null, a text or a list for one of them.
    if (typeof holds !== "boolean") {
      throw new StateError("States.QueryEvaluationError", `${JSON.stringify(holds)} is no boolean: ${rule.Condition}`);
    }
    if (!holds) continue;
    await assign(execution, rule.Assign, scope());
    return leave(execution, rule.Next, `Choice ${index}`);
  }
  if (state.Default === undefined) throw new StateError("States.NoChoiceMatched");
  return leave(execution, state.Default, "Default");
}

async function wait(execution, state, scope) {
  const seconds = await evaluate(state.Seconds, scope());
  // AWS: whole seconds. None at all would be a busy loop.
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 99_999_999) {
    throw new StateError("States.QueryEvaluationError", `${seconds} are no seconds to wait`);
  }
  execution.waited += seconds;
  await assign(execution, state.Assign, scope());
  leave(execution, state.Next, "Next");
}

async function succeed(execution) {
  happened(execution, 2); // SucceedStateExited, ExecutionSucceeded
  execution.end = "Succeed";
}

async function fail(execution, state, scope) {
  const { Error: error, Cause: cause } = await evaluate({ Error: state.Error, Cause: state.Cause }, scope());
  // AWS: both are strings.
  if (typeof error !== "string" || typeof cause !== "string") {
    throw new StateError("States.QueryEvaluationError", "Error and Cause must be texts");
  }
  happened(execution, 1); // ExecutionFailed
  Object.assign(execution, { end: "Fail", error, cause });
}

/** An error at any point of a task, in its Arguments and in its Assign too, goes to its Retry and then to its Catch. */
async function task(execution, state, scope, world) {
  const tries = new Map(); // each retrier counts for itself, anew each time that the state is entered
  for (;;) {
    try {
      return await attempt(execution, state, scope, world);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      if (!retried(execution, state, error, tries)) return handle(execution, state, error, scope);
    }
  }
}

async function attempt(execution, state, scope, world) {
  const request = await evaluate(state.Arguments, scope());
  happened(execution, 3); // TaskScheduled, TaskStarted, TaskSucceeded or TaskFailed
  const result = await world.call(execution.at, state.Resource, request);
  const variables = state.Assign === undefined ? {} : await evaluate(state.Assign, scope({ result }));
  // AWS: Output too sees the variables from before the Assign. Without it the result is the next state's input.
  execution.input = state.Output === undefined ? result : await evaluate(state.Output, scope({ result }));
  execution.variables = { ...execution.variables, ...variables };
  leave(execution, state.Next, "Next");
}

/** AWS: the first retrier that names the error decides alone; when its tries are used up, the Catch is asked. */
function retried(execution, state, error, tries) {
  const retrier = (state.Retry ?? []).find((retrier) => names(retrier.ErrorEquals, error));
  if (retrier === undefined) return false;
  const { IntervalSeconds = 1, BackoffRate = 2, MaxAttempts = 3, MaxDelaySeconds = Infinity } = retrier;
  const made = tries.get(retrier) ?? 0;
  if (made >= MaxAttempts) return false;
  tries.set(retrier, made + 1);
  execution.waited += Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** made);
  return true;
}

async function handle(execution, state, error, scope) {
  const index = (state.Catch ?? []).findIndex((catcher) => names(catcher.ErrorEquals, error));
  if (index < 0) throw error;
  const errorOutput = { Error: error.error, Cause: error.cause };
  await assign(execution, state.Catch[index].Assign, scope({ errorOutput }));
  execution.input = errorOutput;
  leave(execution, state.Catch[index].Next, `Catch ${index}`);
}

/** AWS: names are exact; States.ALL is every error. The workflow uses no other wildcard. */
function names(equals, { error }) {
  if (equals.includes("States.TaskFailed")) throw new Error("what is States.TaskFailed?");
  return equals.some((name) => name === error || name === "States.ALL");
}

/** Every way out of every state, as `ways` of an execution names them. */
export function waysOut(machine) {
  return Object.entries(machine.States).flatMap(([name, state]) =>
    [
      ...(state.Next === undefined ? [] : ["Next"]),
      ...(state.Default === undefined ? [] : ["Default"]),
      ...(state.Choices ?? []).map((_, index) => `Choice ${index}`),
      ...(state.Catch ?? []).map((_, index) => `Catch ${index}`),
    ].map((way) => `${name} / ${way}`),
  );
}
