// The files of the protocol (benches/DRIVERS.md): the plan that is read, the lanes that are written; and what is said.
"use strict";

const fs = require("node:fs");
const zlib = require("node:zlib");

const ENQUEUED = 1, RUN = 2, SETTLED = 3, CALLING = 4;
const COMPLETED = 1, RETRIED = 2, DEAD = 3;
const RECORD_BYTES = 32, TASK_BYTES = 16, TOKEN_DIGITS = 16;

const now = () => process.hrtime.bigint();
const say = (message) => fs.writeSync(1, JSON.stringify(message) + "\n");

class Plan {
  constructor(path) {
    this.bytes = fs.readFileSync(path);
  }

  task(token) {
    const at = token * TASK_BYTES;
    return {
      offset: this.bytes.readBigUInt64LE(at),
      serviceUs: this.bytes.readUInt32LE(at + 8),
      fails: this.bytes[at + 12],
      priority: this.bytes[at + 13],
    };
  }
}

/** Records are written one by one and unbuffered. */
class Lane {
  constructor(path, label, records) {
    this.file = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_APPEND);
    this.record = Buffer.alloc(RECORD_BYTES);
    Object.assign(this, { label, free: records, full: false });
  }

  write({ token, t1, t2 = 0n, kind, ending = 0, attempt = 0, extra = 0 }) {
    if (this.free === 0) {
      if (!this.full) say({ error: { code: "lane_full", message: this.label } });
      this.full = true;
      return;
    }
    this.free -= 1;
    this.record.writeBigUInt64LE(BigInt(token), 0);
    this.record.writeBigUInt64LE(t1, 8);
    this.record.writeBigUInt64LE(t2, 16);
    this.record[24] = kind;
    this.record[25] = ending;
    this.record.writeUInt16LE(attempt, 26);
    this.record.writeUInt32LE(extra, 28);
    fs.writeSync(this.file, this.record);
  }

  close() {
    fs.closeSync(this.file);
  }
}

const lanesOf = (request, label) =>
  request.lanes.map((path, n) => new Lane(path, `lane ${n} of ${label}`, request.lane_records));

const payloadOf = (token, length) => token.toString(16).padStart(TOKEN_DIGITS, "0").padEnd(length, "x");

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Timers have a resolution of 1 ms: the call is up to that later than due. */
async function sleepUntil(due) {
  for (let left = due - now(); left > 0n; left = due - now()) await sleep(Math.ceil(Number(left) / 1e6));
}

/** What the tasks of a crew do. */
class Handler {
  constructor(request, lane) {
    this.mode = request.handler;
    this.plan = request.plan ? new Plan(request.plan) : null;
    this.lane = lane;
  }

  /** Runs a task and answers `{token, ended, failed}`. */
  async run(payload, attempt) {
    const begun = now();
    const token = parseInt(payload.slice(0, TOKEN_DIGITS), 16);
    const extra = zlib.crc32(payload);
    if (this.mode === "hang") await new Promise(() => {});
    let failed = false;
    if (this.mode === "plan") {
      const task = this.plan.task(token);
      if (task.serviceUs > 0) await sleep(task.serviceUs / 1000);
      failed = attempt <= task.fails;
    }
    const ended = now();
    this.lane.write({ token, t1: begun, t2: ended, kind: RUN, attempt, extra });
    return { token, ended, failed };
  }
}

module.exports = {
  ENQUEUED, SETTLED, CALLING, COMPLETED, RETRIED, DEAD,
  now, say, Plan, Handler, lanesOf, payloadOf, sleepUntil,
};
