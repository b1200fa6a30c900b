// Everything the workflow talks to: parameters, the table of locks, other executions, and what the functions answer.

import assert from "node:assert/strict";

import { StateError } from "./expressions.mjs";
import { CHANGING, FUNCTIONS, USUAL, paper, refuses } from "./functions.mjs";
import { LOCK, ME, STARTED_AT } from "./item.mjs";
import { Table } from "./table.mjs";

/** The target that most scenarios migrate. It is on an instance, which is also its lock's key (K1). */
export const TARGET = {
  engine: "postgresql",
  endpoint: { host: "db.example", port: 5432, database: "shop" },
  credentials: { secret: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop" },
  instance: "db",
};
const INSTANCE = { rds: { instance: "db" } };

export class World {
  /**
   * @param answers by step: a function for every call, or a list for the first calls; where there is none, and where it
   * gives nothing, the step answers as usual.
   * @param meanwhile by state: what others do just before its first request, or what keeps that from being answered.
   * @param looks by number: what others do just before this execution asks after the holder for the so manieth time.
   * @param lost states whose first answer gets lost on its way, after everything was done.
   */
  constructor({
    target = TARGET,
    instance = INSTANCE,
    lock,
    items,
    answers,
    executions,
    meanwhile,
    looks,
    lost,
    random = 0.5,
  }) {
    this.execution = ME;
    this.startedAt = STARTED_AT;
    this.random = () => random;
    this.table = new Table(structuredClone({ ...(lock && { [LOCK]: { key: { S: LOCK }, ...lock } }), ...items }));
    this.executions = { ...executions };
    this.answers = { ...answers };
    this.meanwhile = { ...meanwhile };
    this.looks = { ...looks };
    this.lost = new Set(lost);
    this.looked = 0;
    this.parameters = { "/belay/targets/shop": target, "/belay/instances/db": instance };
    /** Every call of a function: [step, payload]. */
    this.calls = [];
    /** What Notify was told at the end. */
    this.told = null;
  }

  /** The instance's lock, as its item is now. */
  lock() {
    return this.table.items[LOCK];
  }

  /** The payloads that a step was called with. */
  asked(step) {
    return this.calls.filter(([asked]) => asked === step).map(([, payload]) => payload);
  }

  /** A task of the workflow. */
  async call(state, resource, request) {
    const meanwhile = this.meanwhile[state];
    delete this.meanwhile[state];
    meanwhile?.(this);
    const answer = this.answer(resource, request);
    if (this.lost.delete(state)) throw new StateError("States.Timeout");
    return answer;
  }

  answer(resource, request) {
    switch (resource) {
      case "arn:aws:states:::lambda:invoke":
        return { StatusCode: 200, Payload: this.invoke(request.FunctionName, request.Payload) };
      case "arn:aws:states:::dynamodb:getItem":
        return this.table.getItem(request);
      case "arn:aws:states:::dynamodb:updateItem":
        return this.table.updateItem(request);
      case "arn:aws:states:::aws-sdk:ssm:getParameter":
        return this.parameter(request.Name);
      case "arn:aws:states:::aws-sdk:sfn:describeExecution":
        return this.describe(request.ExecutionArn);
      default:
        throw new Error(`what is ${resource}?`);
    }
  }

  /** A text is the parameter's value as it is; null, that there is none. */
  parameter(name) {
    const value = this.parameters[name] ?? null;
    if (value === null) throw new StateError("Ssm.ParameterNotFoundException");
    return { Parameter: { Value: typeof value === "string" ? value : JSON.stringify(value) } };
  }

  /** Every execution that this world knows, by ARN, has a status. */
  describe(arn) {
    this.looked += 1;
    this.looks[this.looked]?.(this);
    const status = this.executions[arn];
    if (status === undefined) throw new StateError("Sfn.ExecutionDoesNotExistException");
    return { Status: status };
  }

  invoke(name, payload) {
    const step = payload.step ?? name;
    this.checkSent(name, step, payload);
    this.calls.push([step, payload]);
    if (CHANGING.includes(step)) this.admit(step, payload.lock);
    const answers = this.answers[step];
    const answer = Array.isArray(answers) ? answers[this.asked(step).length - 1] : answers;
    return answer?.(payload, this) ?? USUAL[step](payload, this);
  }

  /** A function takes what it is meant to get, all of it and nothing else. */
  checkSent(name, step, { step: _, run, ...parts }) {
    const meant = FUNCTIONS[name]?.[step];
    assert.ok(meant, `${name} has no step ${step}`);
    assert.equal(run.execution, ME);
    assert.deepEqual(Object.keys(parts).sort(), [...meant].sort(), `what ${step} gets`);
    const { target, instance, attempt, plan, digest } = parts;
    if (target !== undefined) assert.deepEqual(target, this.setting("/belay/targets/shop"));
    // An instance that Check refused is not told of.
    if (instance !== undefined && step !== "ended") assert.deepEqual(instance, this.namedInstance());
    // A plan is another one in each attempt.
    if (plan !== undefined && attempt !== undefined)
      assert.deepEqual([plan, digest], [paper(`plan-${attempt}`), `digest-${attempt}`]);
  }

  namedInstance() {
    return this.setting("/belay/targets/shop").instance === INSTANCE.rds.instance
      ? this.setting("/belay/instances/db")
      : null;
  }

  setting(name) {
    return JSON.parse(this.parameter(name).Parameter.Value);
  }

  /** K3: each of these looks at the lock first. K5: nothing changes while it is only held. */
  admit(step, lock) {
    const item = this.lock();
    if (item?.owner?.S !== ME || Number(item.fence.N) !== lock.fence) refuses("Belay.Fenced")();
    assert.notEqual(item.phase.S, "held", `${step} changes something before the lock says so (K5)`);
  }
}
