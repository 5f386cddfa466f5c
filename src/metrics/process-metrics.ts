/* The process itself, under the names that every Prometheus client uses. prom-client's own set
 * samples the delay of the event loop with a timer a hundred times a second; at low rates that
 * costs more than the messages do, so these are read at a scrape and at no other time.
 */
import { readdir } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Adds the metrics of the process and of Node.js, and `millrace_build_info` with `version`. */
export function registerProcessMetrics(registry: Registry, version: string): void {
  const registers = [registry];
  new Gauge({
    name: 'millrace_build_info',
    help: 'Always 1; the labels say which version runs',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the whole process, all threads, user and system',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the process, in seconds since the Unix epoch',
    registers,
  }).set(performance.timeOrigin / 1000);
  new Gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors; absent where the system does not tell',
    registers,
    async collect() {
      const open = await readdir('/proc/self/fd').catch(() => undefined);
      if (open === undefined) this.remove();
      else this.set(open.length);
    },
  });
  registerLoopMetrics(registers);
}

function registerLoopMetrics(registers: Registry[]): void {
  let before = performance.eventLoopUtilization();
  new Gauge({
    name: 'nodejs_eventloop_utilization_ratio',
    help: 'Share of the time since the last scrape in which the main thread was busy',
    registers,
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'JavaScript heap of the main thread in use',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
}
