// graphile-worker 0.16 on PostgreSQL: its runner with as many jobs at a time as the crew has workers.
"use strict";

const fs = require("node:fs");
const { EventEmitter } = require("node:events");
const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const pg = require("pg");
const { COMPLETED, DEAD, Handler, RETRIED, SETTLED, now } = require("../node/files.js");
const { serve } = require("../node/driver.js");
const postgres = require("../node/postgres.js");

const TASK = "driven";
const CALLERS = 64; // connections at most of what enqueues
const MAX_ATTEMPTS = 300; // more than the harness lets fail

const versionOf = (name) => JSON.parse(fs.readFileSync(`${__dirname}/node_modules/${name}/package.json`, "utf8")).version;
// Its own logger writes to stdout, which is the protocol's.
const logger = new Logger(() => (level, message) => {
  if (level === "error" || level === "warning") console.error(message);
});

const driver = {
  name: "graphile-worker",
  hello: {
    library: { name: "graphile-worker", version: versionOf("graphile-worker"), licence: "MIT" },
    store: { name: "PostgreSQL", version: postgres.version() },
    settle: "hook",
    // by forceUnlockWorkers; else after 4 hours, which cannot be set lower
    redelivery: { kind: "manual", within_ms: 0 },
    can: ["priority", "retry", "census", "processes"],
    durability: { default: "S", strictest: "S" },
  },

  async open(request) {
    this.server = await postgres.openCluster(request.dir, pg);
    this.pool = new pg.Pool({ ...postgres.CONNECTION, max: CALLERS });
    this.pool.on("error", (error) => console.error(String(error)));
    this.utils = await makeWorkerUtils({ pgPool: this.pool, logger });
    await this.utils.migrate();
    return {
      pids: [{ pid: this.server.pid, role: "server" }],
      settings: await postgres.settings(this.pool),
      paths: [request.dir],
    };
  },

  put(payload, priority) {
    return this.utils.addJob(TASK, { payload }, { priority, maxAttempts: MAX_ATTEMPTS });
  },

  async crew(request, lane) {
    const handler = new Handler(request, lane);
    const runs = new Map(); // of the jobs whose end is not yet stored
    const errors = new Map();
    const events = new EventEmitter();
    events.on("job:complete", ({ job, error }) => {
      const done = runs.get(job.id);
      if (done === undefined) return;
      runs.delete(job.id);
      const ending = !error ? COMPLETED : job.attempts < job.max_attempts ? RETRIED : DEAD;
      lane.write({ token: done.token, t1: done.ended, t2: now(), kind: SETTLED, ending, attempt: job.attempts });
    });
    events.on("worker:fatalError", ({ error }) => errors.set(String(error), (errors.get(String(error)) ?? 0) + 1));
    const task = async ({ payload }, helpers) => {
      const done = await handler.run(payload, helpers.job.attempts);
      runs.set(helpers.job.id, done);
      if (done.failed) throw new Error("the plan lets it fail");
    };
    // a connection a job, as its documents advise, and one that listens
    const pool = new pg.Pool({ ...postgres.CONNECTION, max: request.workers + 1 });
    pool.on("error", (error) => console.error(String(error)));
    const runner = await run({
      pgPool: pool,
      concurrency: request.workers,
      taskList: { [TASK]: task },
      noHandleSignals: true,
      parsedCronItems: [],
      events,
      logger,
    });
    return {
      async stop(boundMs) {
        const late = new Promise((done) => setTimeout(() => done(true), boundMs));
        const texts = (await Promise.race([runner.stop().then(() => false), late]))
          ? [`the workers did not end in ${boundMs} ms`]
          : [];
        return texts.concat([...errors].map(([text, times]) => `${text} (${times} times)`));
      },
    };
  },

  async census() {
    const { rows } = await this.pool.query(
      "SELECT count(*) FILTER (WHERE locked_at IS NULL AND attempts < max_attempts AND run_at <= now()) AS ready, " +
        "count(*) FILTER (WHERE locked_at IS NULL AND attempts < max_attempts AND run_at > now()) AS scheduled, " +
        "count(*) FILTER (WHERE locked_at IS NOT NULL) AS running, " +
        "count(*) FILTER (WHERE locked_at IS NULL AND attempts >= max_attempts) AS dead FROM graphile_worker.jobs",
    );
    return Object.fromEntries(Object.entries(rows[0]).map(([name, count]) => [name, Number(count)]));
  },

  async close() {
    await this.utils.release();
    await this.pool.end();
    await this.server.stop();
  },
};

serve(driver);
