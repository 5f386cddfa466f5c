import { Session } from 'node:inspector/promises';

/* Faults for real workers: whatever JavaScript a test wants runs in a worker of its own process, by way
 * of the inspector. Nothing in the worker has to know of it.
 */

/** What ends a worker, each in its way. */
export const FAULTS = {
  /** An error that nobody catches. */
  throw: "setTimeout(() => { throw new Error('boom'); }, 0)",
  /** More than its heap holds. */
  heap: 'setTimeout(() => { const all = []; for (;;) all.push(new Array(1000).fill(0.5)); }, 0)',
  /** A loop that never ends. */
  loop: 'setTimeout(() => { for (;;); }, 0)',
} as const;

/** A call that does not return, and cannot be ended: to open a named pipe that nobody writes to. */
export function blockedBy(namedPipe: string): string {
  const path = JSON.stringify(namedPipe);
  return `setTimeout(() => process.getBuiltinModule('fs').openSync(${path}), 0)`;
}

interface Attached {
  readonly sessionId: string;
  /** `[worker N]`, by the number of its thread. */
  readonly workerInfo: { readonly title: string };
}

export class WorkerInspector {
  readonly #session = new Session();
  /** By thread. */
  readonly #attached = new Map<number, string>();
  #messages = 0;

  /** Sees every worker of this process from now on, and those that there are. */
  static async open(t: { teardown(callback: () => void): void }): Promise<WorkerInspector> {
    const inspector = new WorkerInspector();
    const session = inspector.#session;
    session.connect();
    session.on('NodeWorker.attachedToWorker', ({ params }: { params: Attached }) => {
      const threadId = Number(/\d+/.exec(params.workerInfo.title)?.[0]);
      inspector.#attached.set(threadId, params.sessionId);
    });
    await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
    t.teardown(() => session.disconnect());
    return inspector;
  }

  /** The thread that was started last. */
  get newest(): number {
    return Math.max(...this.#attached.keys());
  }

  /** Runs a statement in a worker's thread; it may not come back from it. */
  async run(threadId: number, expression: string): Promise<void> {
    const sessionId = this.#attached.get(threadId);
    if (sessionId === undefined) throw new Error(`there is no worker ${threadId}`);
    const message = { id: ++this.#messages, method: 'Runtime.evaluate', params: { expression } };
    await this.#session.post('NodeWorker.sendMessageToWorker', {
      sessionId,
      message: JSON.stringify(message),
    });
  }
}
