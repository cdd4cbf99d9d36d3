// A server that belongs to the driver: its child, with its data and its socket in the queue's directory. As in
// python/prismq_driver/server.py: others who open the directory connect to it, and who finds one that outlived its
// driver takes it over.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const START_BOUND_MS = 50_000;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Whether there is a process of this pid that has not ended (a zombie has). */
function alive(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return !"ZX".includes(stat.slice(stat.lastIndexOf(")") + 2)[0]);
  } catch {
    return false;
  }
}

/** The path of a server's program: PRISMQ_DRIVER_PATH, PATH, then the folders. */
function program(name, folders = []) {
  const places = [process.env.PRISMQ_DRIVER_PATH ?? "", process.env.PATH ?? ""].flatMap((list) => list.split(":"));
  const found = [...places.filter(Boolean), ...folders].map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

class Server {
  static stopBoundMs = 40_000;

  /** `answers` is async and true as soon as the server can be used. */
  static async start(directory, command, answers, stopSignal = "SIGTERM") {
    const server = new Server();
    server.stopSignal = stopSignal;
    server.note = path.join(directory, "driver-server.json");
    server.owned = true;
    const known = fs.existsSync(server.note) ? JSON.parse(fs.readFileSync(server.note, "utf8")) : null;
    if (known !== null && alive(known.server)) {
      server.pid = known.server;
      server.owned = !alive(known.driver);
    } else {
      const child = spawn(command[0], command.slice(1), { stdio: ["ignore", 2, 2] });
      server.pid = child.pid;
      server.ended = new Promise((done) => child.on("exit", done));
    }
    if (server.owned) fs.writeFileSync(server.note, JSON.stringify({ server: server.pid, driver: process.pid }));
    const end = Date.now() + START_BOUND_MS;
    while (!(await answers())) {
      if (!alive(server.pid)) throw new Error("the server ended; its messages are on stderr");
      if (Date.now() > end) throw new Error(`the server did not answer in ${START_BOUND_MS} ms`);
      await sleep(50);
    }
    return server;
  }

  async stop() {
    if (!this.owned) return;
    const end = Date.now() + Server.stopBoundMs;
    for (let signal = this.stopSignal; alive(this.pid); signal = Date.now() > end ? "SIGKILL" : 0) {
      try {
        process.kill(this.pid, signal);
      } catch {} // it has ended meanwhile
      await sleep(5);
    }
    await this.ended; // if it is a child
    fs.unlinkSync(this.note);
  }
}

module.exports = { Server, program };
