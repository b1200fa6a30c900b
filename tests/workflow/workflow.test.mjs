// The workflow in a world without AWS, held to the semantics of AWS: every scenario, and that they reach everything.
//
//   scripts/setup lint && node --test tests/workflow/workflow.test.mjs

import assert from "node:assert/strict";
import { test } from "node:test";

import "./scenarios/requests.mjs";
import "./scenarios/lock.mjs";
import "./scenarios/lost.mjs";
import "./scenarios/moved.mjs";
import "./scenarios/newer.mjs";
import "./scenarios/planning.mjs";
import "./scenarios/snapshot.mjs";
import "./scenarios/verdict.mjs";
import "./scenarios/restore.mjs";
import "./scenarios/actions.mjs";
import "./scenarios/commands.mjs";
import "./scenarios/failures.mjs";

import { waysOut } from "./interpreter.mjs";
import { workflow } from "./machine.mjs";
import { taken } from "./scenario.mjs";

test("every state is entered by a scenario", () => {
  assert.deepEqual(
    Object.keys(workflow().States).filter((state) => !taken.states.has(state)),
    [],
  );
});

test("every choice, every Catch and every Next is taken by a scenario", () => {
  assert.deepEqual(
    waysOut(workflow()).filter((way) => !taken.ways.has(way)),
    [],
  );
});
