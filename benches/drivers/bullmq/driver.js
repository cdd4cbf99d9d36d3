// BullMQ 6.7 on Redis: its Queue and Worker; the server is a child of the driver.
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const { Queue, Worker } = require("bullmq");
const Redis = require("ioredis");
const { COMPLETED, DEAD, Handler, RETRIED, SETTLED, now } = require("../node/files.js");
const { serve } = require("../node/driver.js");
const { Server, program } = require("../node/server.js");

const SOCKET = "redis.sock"; // relative to the directory, for which an absolute path can be too long
const QUEUE = "driven";
const ATTEMPTS = 300; // more than the harness lets fail
const STALLS = 300; // and than a kill adds

const versionOf = (name) => JSON.parse(fs.readFileSync(`${__dirname}/node_modules/${name}/package.json`, "utf8")).version;
const server = program("redis-server");
const redisVersion = /v=([0-9.]+)/.exec(execFileSync(server, ["--version"], { encoding: "utf8" }))[1];
// Workers must not give up a blocked request: so the documents of BullMQ set it.
const connection = { path: SOCKET, maxRetriesPerRequest: null };

const driver = {
  name: "bullmq",
  hello: {
    library: { name: "bullmq", version: versionOf("bullmq"), licence: "MIT" },
    store: { name: `Redis, client ioredis ${versionOf("ioredis")}`, version: redisVersion },
    settle: "hook",
    redelivery: { kind: "lease", within_ms: 0 },
    can: ["batch", "priority", "retry", "census", "processes"],
    durability: { default: "M", strictest: "S" },
  },

  async open(request) {
    process.chdir(request.dir);
    this.leaseMs = request.lease_ms;
    const durable = request.durability === "strictest" ? ["--appendonly", "yes", "--appendfsync", "always"] : [];
    const command = [server, "--port", "0", "--unixsocket", SOCKET, "--dir", request.dir, "--daemonize", "no"];
    command.push("--maxmemory-policy", "noeviction", ...durable);
    this.server = await Server.start(request.dir, command, async () => fs.existsSync(SOCKET) && (await ping()));
    const own = new Redis(connection);
    const settings = {};
    for (const name of ["save", "appendonly", "appendfsync", "maxmemory-policy"])
      settings[name] = String((await own.config("GET", name))[1]);
    own.disconnect();
    const backoff = { type: "fixed", delay: request.retry_ms };
    const defaultJobOptions = { attempts: ATTEMPTS, backoff, removeOnComplete: true };
    this.queue = new Queue(QUEUE, { connection, defaultJobOptions });
    await this.queue.waitUntilReady();
    return { pids: [{ pid: this.server.pid, role: "server" }], settings, paths: [request.dir] };
  },

  // 0 is no priority, which goes first
  put(payload, priority) {
    return this.queue.add("task", payload, priority > 0 ? { priority } : undefined);
  },

  putMany(payloads) {
    return this.queue.addBulk(payloads.map((data) => ({ name: "task", data })));
  },

  async crew(request, lane) {
    const handler = new Handler(request, lane);
    const runs = new Map(); // of the jobs whose end is not yet stored
    const errors = new Map();
    const run = async (job) => {
      const done = await handler.run(job.data, job.attemptsMade + 1);
      runs.set(job.id, { ...done, attempt: job.attemptsMade + 1 });
      if (done.failed) throw new Error("the plan lets it fail");
    };
    const worker = new Worker(QUEUE, run, {
      connection,
      concurrency: request.workers,
      lockDuration: this.leaseMs,
      stalledInterval: this.leaseMs,
      maxStalledCount: STALLS,
    });
    const settled = (job, ending) => {
      const done = runs.get(job?.id);
      if (done === undefined) return;
      runs.delete(job.id);
      lane.write({ token: done.token, t1: done.ended, t2: now(), kind: SETTLED, ending, attempt: done.attempt });
    };
    worker.on("completed", (job) => settled(job, COMPLETED));
    worker.on("failed", (job) => settled(job, job?.attemptsMade < ATTEMPTS ? RETRIED : DEAD));
    worker.on("error", (error) => errors.set(String(error), (errors.get(String(error)) ?? 0) + 1));
    await worker.waitUntilReady();
    return {
      async stop(boundMs) {
        const late = new Promise((done) => setTimeout(() => done(true), boundMs));
        const texts = (await Promise.race([worker.close().then(() => false), late]))
          ? [`the worker did not end in ${boundMs} ms`]
          : [];
        return texts.concat([...errors].map(([text, times]) => `${text} (${times} times)`));
      },
    };
  },

  async census() {
    const counts = await this.queue.getJobCounts("wait", "prioritized", "delayed", "active", "failed");
    return {
      ready: counts.wait + counts.prioritized,
      scheduled: counts.delayed,
      running: counts.active,
      dead: counts.failed,
    };
  },

  async close() {
    await this.queue.close();
    await this.server.stop();
  },
};

/** Whether the server answers: it may still be loading its file. */
async function ping() {
  const client = new Redis({ ...connection, lazyConnect: true, retryStrategy: null, enableReadyCheck: true });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

serve(driver);
