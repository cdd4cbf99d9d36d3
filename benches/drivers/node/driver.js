// The driver protocol (benches/DRIVERS.md) for queues that are used from Node.
//
// A driver calls `serve(driver)` with an object that has `name`, `hello` (the answer to hello but for `v`, `driver` and
// `runtime`) and these, all async: `open(request)`, `put(payload, priority)`, `putMany(payloads)`, `crew(request, lane)`
// (answers an object with an async `stop(boundMs)`, which answers texts of errors), `census()`, `close()`. Callers are
// tasks of the event loop. A crew is a process of its own, as applications run their workers apart from what enqueues:
// the same program again, asked over pipes by the same protocol.
"use strict";

const { spawn } = require("node:child_process");
const readline = require("node:readline");
const { CALLING, ENQUEUED, Plan, lanesOf, now, payloadOf, say, sleepUntil } = require("./files.js");
const { Server } = require("./server.js");

const AS_CREW = "--crew";
const HURRIED_MS = 2000;
const isCrew = process.argv.includes(AS_CREW);

class CrewProcess {
  static async start(opened, request) {
    const crew = new CrewProcess();
    crew.name = request.crew;
    crew.child = spawn(process.execPath, [process.argv[1], AS_CREW], { stdio: ["pipe", "pipe", "inherit"] });
    crew.waiting = null;
    crew.child.stdin.on("error", () => {}); // its end is noticed below
    crew.ended = new Promise((done) => crew.child.on("exit", done));
    crew.ended.then(() => crew.answer({ error: { message: "the process of the crew ended" } }));
    readline.createInterface({ input: crew.child.stdout }).on("line", (line) => {
      const message = JSON.parse(line);
      if ("id" in message) crew.answer(message);
      else say(message);
    });
    try {
      await crew.ask({ ...opened, do: "open", fresh: false }, 60_000);
      await crew.ask({ ...request, do: "start" }, 60_000);
    } catch (error) {
      await crew.end();
      throw error;
    }
    return crew;
  }

  answer(message) {
    this.waiting?.(message);
    this.waiting = null;
  }

  async ask(request, boundMs) {
    const late = { error: { message: `no answer to ${request.do} in ${boundMs} ms` } };
    const answered = new Promise((done) => (this.waiting = done));
    const timer = setTimeout(() => this.answer(late), boundMs);
    this.child.stdin.write(JSON.stringify({ ...request, id: 1 }) + "\n");
    const answer = await answered;
    clearTimeout(timer);
    if (answer.error) throw new Error(`crew: ${answer.error.message}`);
    return answer.ok;
  }

  async stop(boundMs) {
    let errors;
    try {
      errors = (await this.ask({ do: "stop", crew: this.name, bound_ms: boundMs }, boundMs + 5000)).errors;
      await this.ask({ do: "bye" }, 3000);
    } catch (error) {
      errors = [String(error)];
    }
    await this.end();
    return errors;
  }

  async end() {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** An `enqueue` or `load` under way. */
async function call(driver, request, lanes) {
  const plan = new Plan(request.plan);
  const size = Math.max(1, request.batch ?? 1);
  const done = { count: 0, errors: {} };
  let next = request.from;
  const caller = async (lane) => {
    while (next < request.to) {
      const first = next;
      next = Math.min(first + size, request.to);
      const tokens = Array.from({ length: next - first }, (_, n) => first + n);
      const payloads = tokens.map((token) => payloadOf(token, request.payload_bytes));
      const task = plan.task(tokens[tokens.length - 1]);
      if (request.model === "open") await sleepUntil(BigInt(request.t0_ns) + task.offset);
      let called = now();
      if (request.records === "each") {
        for (const token of tokens) lane.write({ token, t1: called, kind: CALLING });
        called = now();
      }
      try {
        if (payloads.length === 1) await driver.put(payloads[0], task.priority);
        else await driver.putMany(payloads);
      } catch (error) {
        done.errors[String(error)] = (done.errors[String(error)] ?? 0) + tokens.length;
        continue;
      }
      const known = now();
      for (const token of tokens) lane.write({ token, t1: called, t2: known, kind: ENQUEUED });
      done.count += tokens.length;
    }
  };
  await Promise.all(lanes.map(caller));
  for (const lane of lanes) lane.close();
  return done;
}

/** Numbers of nanoseconds are beyond what JSON.stringify writes of a BigInt; below 2^53 for 104 days of uptime. */
const nanoseconds = () => Number(now());

function requestsOf(driver) {
  const crews = new Map();
  let opened = null;
  const close = async () => {
    for (const [name, crew] of crews) {
      crews.delete(name);
      await (isCrew ? crew.stop(0) : crew.end());
    }
    if (opened !== null) await driver.close();
    opened = null;
    return {};
  };
  return {
    hello: async () => ({ v: 1, driver: `${driver.name} 1`, runtime: `Node ${process.version}`, ...driver.hello }),
    clock: async () => ({ now_ns: nanoseconds() }),
    open: async (request) => {
      opened = request;
      return { pids: [], ...(await driver.open(request)) };
    },
    load: async (request) => {
      const done = await call(driver, request, lanesOf(request, "load").slice(0, 1));
      if (Object.keys(done.errors).length > 0) throw new Error(JSON.stringify(done));
      return { count: done.count };
    },
    start: async (request) => {
      const start = isCrew
        ? driver.crew(request, lanesOf(request, `crew ${request.crew}`)[0])
        : CrewProcess.start(opened, request);
      crews.set(request.crew, await start);
      return { started_ns: nanoseconds() };
    },
    enqueue: (request) => call(driver, request, lanesOf(request, "enqueue").slice(0, request.callers)),
    stop: async (request) => {
      const crew = crews.get(request.crew);
      crews.delete(request.crew);
      const errors = await crew.stop(request.bound_ms);
      return { stopped_ns: nanoseconds(), errors };
    },
    census: () => driver.census(),
    counters: async () => ({}),
    close,
    bye: close,
  };
}

/** Obeys the requests on stdin until `bye` or its end; then this process ends, with what it started. */
function serve(driver) {
  const requests = requestsOf(driver);
  const answer = async (request) => {
    const known = Object.hasOwn(requests, request.do);
    try {
      if (!known) say({ id: request.id, error: { code: "unknown_request", message: String(request.do) } });
      else say({ id: request.id, ok: await requests[request.do](request) });
    } catch (error) {
      say({ id: request.id, error: { code: "failed", message: `${request.do}: ${error}` } });
    }
    if (request.do === "bye") process.exit(0);
  };
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", (line) => answer(JSON.parse(line)));
  lines.on("close", async () => {
    Server.stopBoundMs = HURRIED_MS; // the harness is gone, and with it what the store is worth
    if (!isCrew) await requests.close().catch((error) => console.error(error));
    process.exit(0);
  });
}

module.exports = { serve };
