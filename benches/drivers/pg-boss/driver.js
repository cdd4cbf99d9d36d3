// pg-boss 10 on PostgreSQL: workers that fetch a job, run it and complete it.
"use strict";

const fs = require("node:fs");
const { setTimeout: delay } = require("node:timers/promises");
const pg = require("pg");
const PgBoss = require("pg-boss");
const { COMPLETED, Handler, RETRIED, SETTLED, now } = require("../node/files.js");
const { serve } = require("../node/driver.js");
const postgres = require("../node/postgres.js");

const QUEUE = "driven";
const CONNECTIONS = 64; // at most, of each process
const MAX_RETRIES = 300; // more than the harness lets fail
const LOOKS_MS = 500; // the shortest that its own workers may be set to
const MAINTENANCE_S = 1; // expired jobs are found by its maintenance

const versionOf = (name) => JSON.parse(fs.readFileSync(`${__dirname}/node_modules/${name}/package.json`, "utf8")).version;
const seconds = (ms) => Math.max(1, Math.ceil(ms / 1000));

/** Loops that take one job after the other. */
class Workers {
  constructor(boss, request, lane) {
    Object.assign(this, { boss, lane, handler: new Handler(request, lane) });
    this.includeMetadata = request.handler === "plan"; // for the number of the attempt
    this.stopping = new AbortController();
    this.errors = new Map();
    this.ended = Promise.all(Array.from({ length: request.workers }, () => this.work()));
  }

  async work() {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        const [job] = await this.boss.fetch(QUEUE, { includeMetadata: this.includeMetadata });
        if (job !== undefined) await this.settle(job);
        else await delay(LOOKS_MS, undefined, { signal }).catch(() => {});
      } catch (error) {
        this.errors.set(String(error), (this.errors.get(String(error)) ?? 0) + 1);
      }
    }
  }

  async settle(job) {
    const attempt = this.includeMetadata ? job.retryCount + 1 : 0;
    const { token, failed } = await this.handler.run(job.data.payload, attempt);
    const called = now();
    if (failed) await this.boss.fail(QUEUE, job.id, { message: "the plan lets it fail" });
    else await this.boss.complete(QUEUE, job.id);
    const ending = failed ? RETRIED : COMPLETED;
    this.lane.write({ token, t1: called, t2: now(), kind: SETTLED, ending, attempt });
  }

  async stop(boundMs) {
    this.stopping.abort();
    const late = delay(boundMs, true, { ref: false });
    const texts = (await Promise.race([this.ended.then(() => false), late])) ? [`the workers did not end in ${boundMs} ms`] : [];
    return texts.concat([...this.errors].map(([text, times]) => `${text} (${times} times)`));
  }
}

const driver = {
  name: "pg-boss",
  hello: {
    library: { name: "pg-boss", version: versionOf("pg-boss"), licence: "MIT" },
    store: { name: "PostgreSQL", version: postgres.version() },
    settle: "call",
    redelivery: { kind: "lease", within_ms: 0 },
    can: ["batch", "priority", "retry", "census", "processes"],
    durability: { default: "S", strictest: "S" },
  },

  async open(request) {
    this.server = await postgres.openCluster(request.dir, pg);
    this.boss = new PgBoss({ ...postgres.CONNECTION, max: CONNECTIONS, maintenanceIntervalSeconds: MAINTENANCE_S });
    this.boss.on("error", (error) => console.error(error.message));
    await this.boss.start();
    if ((await this.boss.getQueue(QUEUE)) === null) {
      await this.boss.createQueue(QUEUE, {
        retryLimit: MAX_RETRIES,
        retryDelay: seconds(request.retry_ms),
        expireInSeconds: seconds(request.lease_ms),
      });
    }
    const pool = new pg.Pool({ ...postgres.CONNECTION, max: 1 });
    const settings = await postgres.settings(pool);
    await pool.end();
    return { pids: [{ pid: this.server.pid, role: "server" }], settings, paths: [request.dir] };
  },

  put(payload, priority) {
    return this.boss.send(QUEUE, { payload }, { priority: -priority }); // the highest is first
  },

  putMany(payloads) {
    return this.boss.insert(payloads.map((payload) => ({ name: QUEUE, data: { payload } })));
  },

  async crew(request, lane) {
    return new Workers(this.boss, request, lane);
  },

  async census() {
    const states = (await this.boss.countStates()).queues[QUEUE] ?? {};
    // What waits for its next attempt or for its time is not told apart from what is ready.
    return {
      ready: (states.created ?? 0) + (states.retry ?? 0),
      scheduled: null,
      running: states.active ?? 0,
      dead: states.failed ?? 0,
    };
  },

  async close() {
    await this.boss.stop({ graceful: false });
    await this.server.stop();
  },
};

serve(driver);
