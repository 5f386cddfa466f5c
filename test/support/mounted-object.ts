/* A secret or a config map as Kubernetes mounts it: keys are links by way of `..data`, which is swapped. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

type Values = Readonly<Record<string, string>>;

/** Gives the object in a folder other values, as the kubelet does; makes the folder where there is none. */
export function swapMounted(folder: string, values: Values): void {
  mkdirSync(folder, { recursive: true });
  const version = mkdtempSync(`${folder}/..`);
  for (const [key, value] of Object.entries(values)) writeFileSync(join(version, key), value);
  symlinkSync(basename(version), join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  for (const key of Object.keys(values)) {
    rmSync(join(folder, key), { force: true });
    symlinkSync(join('..data', key), join(folder, key));
  }
}
