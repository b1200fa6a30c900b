// DynamoDB, as far as the workflow uses it: items by key, conditions and updates. A request that DynamoDB would refuse
// as invalid fails the test, since it would never work.

import assert from "node:assert/strict";

import { StateError } from "./expressions.mjs";

const TOKEN = /\s*(attribute_exists|attribute_not_exists|if_not_exists|SET|REMOVE|ADD|AND|OR|[#:]\w+|<=|<>|=|[(),])/y;

const copy = (value) => JSON.parse(JSON.stringify(value));

/** The table of locks. `items` may be read and set at will. */
export class Table {
  constructor(items = {}) {
    this.items = items;
    /** Who owned each item after each update, in order. */
    this.owners = [];
  }

  getItem({ TableName, Key, ConsistentRead }) {
    assert.equal(TableName, "locks");
    assert.equal(ConsistentRead, true, "the lock is read as it is now (K3)");
    const item = this.items[text(Key.key)];
    return item === undefined ? {} : { Item: copy(item) };
  }

  updateItem(request) {
    assert.equal(request.TableName, "locks");
    const key = text(request.Key.key);
    const old = this.items[key] ?? {};
    const placeholders = new Placeholders(request);
    const holds = condition(tokens(request.ConditionExpression), placeholders, old);
    const updated = update(tokens(request.UpdateExpression), placeholders, old);
    placeholders.checkAllUsed();
    if (!holds) throw new StateError("DynamoDB.ConditionalCheckFailedException", "The conditional request failed");
    this.items[key] = { key: { S: key }, ...updated };
    this.owners.push(updated.owner?.S ?? null);
    return request.ReturnValues === "ALL_NEW" ? { Attributes: copy(this.items[key]) } : {};
  }
}

/** The names and values of a request. DynamoDB refuses one that is missing, and one that is not used. */
class Placeholders {
  constructor({ ExpressionAttributeNames, ExpressionAttributeValues }) {
    this.known = { ...ExpressionAttributeNames, ...ExpressionAttributeValues };
    this.used = new Set();
  }

  take(placeholder) {
    assert.ok(placeholder in this.known, `${placeholder} is not given`);
    this.used.add(placeholder);
    const value = this.known[placeholder];
    if (placeholder.startsWith(":")) checkType(placeholder, value);
    return value;
  }

  checkAllUsed() {
    for (const placeholder of Object.keys(this.known))
      assert.ok(this.used.has(placeholder), `${placeholder} is not used`);
  }
}

/** DynamoDB takes a number as a text, and neither null nor anything else for a text. */
function checkType(placeholder, value) {
  const sound = typeof value?.S === "string" || (typeof value?.N === "string" && Number.isFinite(Number(value.N)));
  assert.ok(sound && Object.keys(value).length === 1, `${placeholder} is ${JSON.stringify(value)}`);
}

function text(value) {
  checkType("the key", value);
  assert.ok(value.S, "a key is never empty");
  return value.S;
}

function tokens(expression) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(expression);
    assert.ok(match, `what is ${expression.slice(from)}?`);
    found.push(match[1]);
  }
  return found;
}

function expect(tokens, token) {
  assert.equal(tokens.shift(), token);
}

/** AND binds closer than OR. Both sides are read to their end, so that every placeholder is seen. */
function condition(tokens, placeholders, item) {
  const holds = either(tokens, placeholders, item);
  assert.deepEqual(tokens, [], "a condition ends where it ends");
  return holds;
}

function either(tokens, placeholders, item) {
  let holds = both(tokens, placeholders, item);
  while (tokens[0] === "OR") {
    tokens.shift();
    holds = both(tokens, placeholders, item) || holds;
  }
  return holds;
}

function both(tokens, placeholders, item) {
  let holds = single(tokens, placeholders, item);
  while (tokens[0] === "AND") {
    tokens.shift();
    holds = single(tokens, placeholders, item) && holds;
  }
  return holds;
}

function single(tokens, placeholders, item) {
  const token = tokens.shift();
  if (token === "(") {
    const holds = either(tokens, placeholders, item);
    expect(tokens, ")");
    return holds;
  }
  if (token === "attribute_exists" || token === "attribute_not_exists") {
    expect(tokens, "(");
    const there = placeholders.take(tokens.shift()) in item;
    expect(tokens, ")");
    return there === (token === "attribute_exists");
  }
  return compare(item[placeholders.take(token)], tokens.shift(), placeholders.take(tokens.shift()));
}

/** An attribute that is not there equals nothing; values of two types are never equal, and neither comes first. */
function compare(left, operator, right) {
  const type = Object.keys(right)[0];
  const alike = left !== undefined && type in left;
  const value = (side) => (type === "N" ? Number(side.N) : side.S);
  switch (operator) {
    case "=":
      return alike && value(left) === value(right);
    case "<>":
      return !alike || value(left) !== value(right);
    case "<=":
      return alike && value(left) <= value(right);
    default:
      throw new Error(`what is ${operator}?`);
  }
}

/** Everything on the right is as it was before the update. */
function update(tokens, placeholders, old) {
  const item = { ...old };
  const clauses = {
    SET: () => {
      const name = placeholders.take(tokens.shift());
      expect(tokens, "=");
      item[name] = operand(tokens, placeholders, old);
    },
    REMOVE: () => delete item[placeholders.take(tokens.shift())],
    ADD: () => {
      const name = placeholders.take(tokens.shift());
      item[name] = { N: String(Number(old[name]?.N ?? 0) + Number(placeholders.take(tokens.shift()).N)) };
    },
  };
  while (tokens.length > 0) {
    const clause = clauses[tokens.shift()];
    assert.ok(clause, "an update is made of SET, REMOVE and ADD");
    clause();
    while (tokens[0] === ",") {
      tokens.shift();
      clause();
    }
  }
  return item;
}

function operand(tokens, placeholders, old) {
  const token = tokens.shift();
  if (token !== "if_not_exists") return placeholders.take(token);
  expect(tokens, "(");
  const name = placeholders.take(tokens.shift());
  expect(tokens, ",");
  const otherwise = placeholders.take(tokens.shift());
  expect(tokens, ")");
  return old[name] ?? otherwise;
}
