/* What ends a bench before its time. */
import { OperatingError } from '../base/errors.js';
import { stopSignal } from './stop-signal.js';

/** Aborted, with an OperatingError as its reason, when the process is asked to end. */
export function benchInterruption(): AbortSignal {
  const interruption = new AbortController();
  stopSignal().then(() => {
    const why = new OperatingError(
      'ERR_BENCH_INTERRUPTED',
      'interrupted before the bench had ended',
    );
    interruption.abort(why);
  });
  return interruption.signal;
}
