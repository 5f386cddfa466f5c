import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Loads the addon, which lies in build/Release at the package's root. Callers give it its type. */
export function loadAddon(): unknown {
  let folder = dirname(fileURLToPath(import.meta.url));
  // The compiled file lies at dist/src/channel: the root is where package.json is.
  while (!folder.endsWith('dist') && folder !== dirname(folder)) folder = dirname(folder);
  const require = createRequire(import.meta.url);
  return require(join(folder, '..', 'build', 'Release', 'millrace.node'));
}
