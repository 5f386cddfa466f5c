/* The connector under test, watched from the beginning of its measured phase to the end: CPU and memory
 * from outside, and what V8 did from inside where a probe is in it.
 */
import type { ChildProcess } from 'node:child_process';
import type { RuntimeReport } from './probe/connector-runtime.js';
import { startProbe, stopProbe } from './probe/connector-runtime.js';
import type { CpuUs } from './process-usage.js';
import { cpuPerMessage, readCpu, readCpuTotalUs, readPeakRssBytes } from './process-usage.js';
import type { GeneratorEvent } from './protocol.js';
import { type Interval, Timeline } from './timeline.js';

/** What the connector took while all directions were measured. */
export interface ConnectorUse {
  /** Absent where there is no /proc. */
  readonly cpuUsPerMessage: CpuUs | undefined;
  /** The most until the end of the measured phase; absent where there is no /proc. */
  readonly peakRssBytes: number | undefined;
  /** Absent for a connector without a probe, or whose probe did not answer. */
  readonly runtime: RuntimeReport | undefined;
  readonly intervals: readonly Interval[];
}

export class PhaseWatch {
  readonly #connector: ChildProcess;
  readonly #pid: number;
  readonly #timeline: Timeline;
  /** One direction may be over before the other has begun: then nothing was measured together. */
  #began = false;
  #cpuAtBegin: CpuUs | undefined;
  #use: Promise<ConnectorUse> | undefined;

  constructor({ child, pid }: { readonly child: ChildProcess; readonly pid: number }) {
    this.#connector = child;
    this.#pid = pid;
    this.#timeline = new Timeline(() => readCpuTotalUs(pid));
  }

  hear(event: GeneratorEvent): void {
    if (event.kind === 'progress') {
      const { kind: _, ...progress } = event;
      this.#timeline.add(progress);
    } else if (event.kind === 'measuring') {
      this.#began = true;
      this.#cpuAtBegin = readCpu(this.#pid);
      this.#timeline.begin();
      startProbe(this.#connector);
    } else if (event.kind === 'measured') this.#use = this.#end(event.messages);
  }

  /** Once the generator has finished. */
  async use(): Promise<ConnectorUse> {
    return await (this.#use ?? this.#end(0));
  }

  async #end(messages: number): Promise<ConnectorUse> {
    const [start, end] = [this.#cpuAtBegin, readCpu(this.#pid)];
    const cpuUsPerMessage = start && end && cpuPerMessage(start, end, messages);
    // Before the probe sums up what it has, which takes memory.
    const peakRssBytes = readPeakRssBytes(this.#pid);
    const intervals = this.#timeline.end();
    const runtime = this.#began ? await stopProbe(this.#connector, messages) : undefined;
    return { cpuUsPerMessage, peakRssBytes, runtime, intervals };
  }
}
