/**
 * Resolves at the first SIGTERM, SIGINT or SIGHUP, for an orderly end. A second SIGTERM or SIGINT ends
 * the process at once, with exit code 1; a terminal that goes away may send SIGHUP several times.
 */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    process.on('SIGHUP', () => resolve());
  });
}
