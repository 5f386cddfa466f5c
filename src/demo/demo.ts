/* The demo: devices, broker, Millrace, Kafka, a reader and an operator in one process, on 127.0.0.1
 * only.
 *
 *   plants -> broker ==socket==> the real engine ==> Kafka ==> reader -> reconciliation
 *                    <==PUBACK==
 *   machines <- broker <==socket== the real engine <== Kafka <== operator: commands
 *        \----> broker ==socket==> the real engine ==> Kafka ==> reader: answers
 *
 * End: the devices and the operator stop; what is under way is acknowledged and answered; the engine
 * drains; the reader goes on to the end of every partition. What is open then is missing for certain.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { Closers } from './closers.js';
import { DeviceLoop } from './device-loop.js';
import { intro } from './intro.js';
import { Operator } from './operator.js';
import { type Parts, startParts } from './parts.js';
import { plainView } from './plain-view.js';
import type { ReadRecord } from './reconcile.js';
import type { DemoReport } from './summary.js';
import { liveView, type Terminal, type View } from './view.js';

/** For how long nothing may move at the end before what is open is given up. */
const STALL_MS = 10_000;
const LOOK_AGAIN_MS = 20;

export interface DemoOptions {
  /** Until `interrupted` where it is undefined. */
  readonly seconds: number | undefined;
  readonly messagesPerSecond: number;
  /** Resolves where the user wants to end. */
  readonly interrupted: Promise<void>;
  readonly output: Terminal;
  readonly color: boolean;
  readonly version: string;
  /** How the user calls Millrace. */
  readonly command: string;
  readonly clock?: Clock;
  /** For tests: what the reconciliation is told of a record; undefined hides it. */
  readonly tamper?: (record: ReadRecord) => ReadRecord | undefined;
}

/** Runs the demo to its end; what it started is gone afterwards, whatever happened. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { output, version, command, messagesPerSecond } = options;
  const clock = options.clock ?? systemClock;
  const tamper = options.tamper ?? ((record) => record);
  const closers = new Closers();
  try {
    const parts = await startParts({ version, clock, tamper }, closers);
    const { plants, broker, reconciliation, commands, writer, progress } = parts;
    output.write(intro({ ...parts, command }));
    const devices = new DeviceLoop({ plants, broker, reconciliation, messagesPerSecond, clock });
    const operator = new Operator({ plants, commands, writer, clock });
    const stopTalking = async () => {
      devices.stop();
      operator.stop();
    };
    const show = startView(options, parts, clock, closers);
    closers.add(stopTalking);
    devices.start();
    operator.start();
    await endOf(options, clock);
    await stopTalking();
    show('finishing');
    await settle(parts, clock);
    const { tallies, faults, foreignRecords } = reconciliation;
    show('done');
    return { tallies, faults, foreignRecords, latency: progress.wholeLatency, commands };
  } finally {
    await closers.closeAll();
  }
}

/** Shows the progress again and again; what comes back shows it now, under a new state. */
function startView(
  { output, color, seconds }: DemoOptions,
  { progress }: Parts,
  clock: Clock,
  closers: Closers,
): (state: string) => void {
  const view: View = isScreen(output) ? liveView(output, color) : plainView(output);
  let state = seconds === undefined ? 'running; Ctrl-C ends it' : `of ${seconds} s`;
  let cancel = () => {};
  const show = () => {
    cancel();
    view.show(progress.snapshot(), state);
    cancel = clock.after(view.intervalMs, show);
  };
  cancel = clock.after(view.intervalMs, show);
  closers.add(async () => {
    cancel();
    view.close();
  });
  return (next) => {
    state = next;
    show();
  };
}

/** A terminal that says how large it is; one of zero rows would be left empty. */
function isScreen({ isTTY, rows, columns }: Terminal): boolean {
  return isTTY === true && (rows ?? 0) > 0 && (columns ?? 0) > 0;
}

/** Resolves when the time is over or the user wants to end. */
function endOf({ seconds, interrupted }: DemoOptions, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = seconds === undefined ? () => {} : clock.after(seconds * 1000, resolve);
    void interrupted.then(() => {
      cancel();
      resolve();
    });
  });
}

/** Brings everything under way to its end, as far as it moves. */
async function settle(parts: Parts, clock: Clock): Promise<void> {
  const { reconciliation, commands, reader } = parts;
  const moved = () => {
    const { written, received, answered, readBack } = commands.tally;
    return (
      reconciliation.acknowledged +
      reconciliation.readBack +
      (written + received + answered + readBack)
    );
  };
  const isAcknowledged = () => reconciliation.acknowledged === reconciliation.published;
  await waitFor(() => commands.areAnswered && isAcknowledged(), moved, clock);
  await parts.stopEngine();
  const ends = await reader.endOffsets();
  await waitFor(() => reader.hasReached(ends), moved, clock);
}

/** Resolves when `isDone`, or when `progress` has stood still for STALL_MS. */
function waitFor(isDone: () => boolean, progress: () => number, clock: Clock): Promise<void> {
  let last = progress();
  let lastMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const look = () => {
      const nowMs = clock.monotonicMs();
      if (progress() !== last) {
        last = progress();
        lastMs = nowMs;
      }
      if (isDone() || nowMs - lastMs >= STALL_MS) resolve();
      else clock.after(LOOK_AGAIN_MS, look);
    };
    look();
  });
}
