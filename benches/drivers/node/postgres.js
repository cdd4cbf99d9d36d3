// PostgreSQL as a driver's server: a cluster of its own in the queue's directory, with the settings of initdb. As in
// python/prismq_driver/postgres.py. The caller gives `pg`, node-postgres, of its own packages.
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { Server, program } = require("./server.js");

const HERE = "/proc/self/cwd"; // the socket's folder: the path of the directory can be too long
const CONNECTION = { host: HERE, port: 5432, database: "postgres", user: "postgres" };
const SETTINGS = ["server_version", "synchronous_commit", "fsync", "wal_sync_method", "shared_buffers"];
const STARTS = 5;
const isRoot = process.getuid() === 0;

function programs() {
  const debian = "/usr/lib/postgresql";
  const versions = fs.existsSync(debian) ? fs.readdirSync(debian).sort((a, b) => b - a) : [];
  return (name) => program(name, versions.map((version) => path.join(debian, version, "bin")));
}

/** Root may not run PostgreSQL: then its own user does. */
const asPostgres = (command) =>
  isRoot
    ? [program("setpriv"), "--reuid", "postgres", "--regid", "postgres", "--clear-groups", ...command]
    : command;

function version() {
  return /[0-9.]+/.exec(execFileSync(programs()("postgres"), ["--version"], { encoding: "utf8" }))[0];
}

async function answers(pg) {
  const client = new pg.Client(CONNECTION);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Those that decide how durable a commit is, read back. */
async function settings(pool) {
  const found = {};
  for (const name of SETTINGS) found[name] = (await pool.query(`SHOW ${name}`)).rows[0][name];
  return found;
}

/** Creates the cluster if there is none, and starts or joins its server; this process then works in its folder. */
async function openCluster(directory, pg) {
  const find = programs();
  const folder = path.join(directory, "cluster");
  if (!fs.existsSync(path.join(folder, "PG_VERSION"))) {
    fs.mkdirSync(folder, { mode: 0o700, recursive: true });
    if (isRoot) {
      const id = (which) => Number(execFileSync("id", [which, "postgres"], { encoding: "utf8" }));
      fs.chownSync(folder, id("-u"), id("-g"));
    }
    const command = asPostgres([
      find("initdb"), "-D", folder, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8",
    ]);
    execFileSync(command[0], command.slice(1), { stdio: ["ignore", 2, 2], cwd: "/" });
  }
  process.chdir(folder);
  const command = asPostgres([
    find("postgres"), "-D", folder, "-k", HERE, "-p", String(CONNECTION.port), "-c", "listen_addresses=",
  ]);
  for (let left = STARTS; ; left -= 1) {
    try {
      return await Server.start(directory, command, () => answers(pg), "SIGINT");
    } catch (error) {
      if (left === 1) throw error; // else processes of a killed server still hold its shared memory
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

module.exports = { CONNECTION, openCluster, settings, version };
