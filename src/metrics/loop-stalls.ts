/* Stalls of the main thread's loop, counted and logged: engine/loop-watch.ts finds them. */
import { Counter, type Registry } from 'prom-client';
import type { Log } from '../base/log.js';

export class LoopStalls {
  readonly #log: Log;
  readonly #stalls: Counter;
  readonly #seconds: Counter;

  constructor(registry: Registry, log: Log) {
    const registers = [registry];
    this.#log = log;
    this.#stalls = new Counter({
      name: 'millrace_main_thread_stalls_total',
      help: 'How often the main thread did nothing for more than two seconds at a stretch',
      registers,
    });
    this.#seconds = new Counter({
      name: 'millrace_main_thread_stalled_seconds_total',
      help: 'For how long it did nothing then, all stalls together',
      registers,
    });
  }

  stalled(lateMs: number): void {
    this.#stalls.inc();
    this.#seconds.inc(lateMs / 1000);
    const detail = 'the process was stopped, the machine is overloaded, or something kept it busy';
    this.#log.warn({ seconds: lateMs / 1000, detail }, 'the main thread did nothing for a while');
  }
}
