// BullMQ on Node: the same tasks as stage.py. Jobs are removed when they are done.
"use strict";
const { Queue, Worker } = require("bullmq");

const task = JSON.parse(process.argv[2]);
const address = new URL(task.url);
const connection = { host: address.hostname, port: Number(address.port), maxRetriesPerRequest: null };
const CONCURRENCY = 50;
const pause = (task.job_seconds || 0) * 1000;
const now = () => process.hrtime.bigint();
const text = (number) => `${number} ${now()} `.padEnd(500, "x");
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const worked = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const put = (queue, argument) => queue.add("job", argument, { removeOnComplete: true });

async function accept(queue) {
  const callers = Math.min(task.callers, task.count);
  const payloads = Array.from({ length: task.count }, (_, number) => text((task.first || 0) + number));
  if (task.warm) await Promise.all(Array.from({ length: callers }, (_, at) => put(queue, text(-1 - at))));
  const begun = now();
  const before = worked();
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let at = caller; at < task.count; at += callers) await put(queue, payloads[at]);
    }),
  );
  say({ seconds: Number(now() - begun) / 1e9, cpu: worked() - before });
}

async function produce(queue) {
  const begun = now();
  const running = [];
  let moment = 0;
  for (let number = 0; number < task.count; number++) {
    moment += -Math.log(1 - Math.random()) / task.rate;
    const wait = moment * 1000 - Number(now() - begun) / 1e6;
    if (wait > 0) await sleep(wait);
    running.push(put(queue, text(number)));
  }
  await Promise.all(running);
  say({ seconds: Number(now() - begun) / 1e9 });
}

async function work() {
  const latencies = [];
  let ended = 0;
  say({ ready: true });
  let begun = 0n;
  let before = 0;
  new Worker(
    "bench",
    async (job) => {
      if (!latencies.length) {
        begun = now();
        before = worked();
      }
      const [number, sent] = job.data.split(" ", 2);
      latencies.push(Number(now() - BigInt(sent)) / 1e6);
      if (pause) {
        say({ started: Number(number) });
        await sleep(pause);
        say({ ended: Number(number) });
      }
      if (++ended === task.count) {
        const found = { seconds: Number(now() - begun) / 1e9, cpu: worked() - before, latencies };
        process.stdout.write(JSON.stringify(found) + "\n", () => process.exit(0));
      }
    },
    { connection, concurrency: CONCURRENCY },
  );
  await new Promise(() => setInterval(() => {}, 60000));
}

async function main() {
  if (task.do === "work") return work();
  const queue = new Queue("bench", { connection });
  await queue.waitUntilReady();
  await (task.do === "accept" ? accept(queue) : produce(queue));
  process.exit(0);
}

main();
